import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import {
  loadAdapter,
  loraName,
  mergeLora,
  readSafetensors,
  type StateDict,
  saveAdapter,
} from "../checkpoint/index.ts";
import { loraPartOf, lossFeeds, tokenFeeds, traceLoss, trainedParameters } from "../model/index.ts";
import { microConfig } from "../model/testing/micro.ts";
import { float32, type HostTensor, interpret, rootScope, type TensorLike } from "../tensor/index.ts";
import { fillWithRowNorms } from "./initialize.ts";
import { languageObjective, scopeOptions } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { variants } from "./testing/peft-variants.ts";
import { recipe as small } from "./testing/small-run.ts";

/** What PEFT 0.21 saved and computed; `make.py` beside it says how. */
const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/peft/${path}`, import.meta.url));

let expected: StateDict;
let base: StateDict;
let folder: string;
beforeAll(async () => {
  expected = await readSafetensors(fixture("expected.safetensors"));
  base = named("base.");
  folder = mkdtempSync(join(tmpdir(), "owl-peft-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The expected tensors whose names begin so, by what follows. */
const named = (prefix: string): StateDict =>
  new Map(
    [...expected].flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
    ),
  );

/** A parameter's name here, from that in a model in PEFT's hands. */
const ownName = (name: string): string =>
  name
    .replace("base_model.model.", "")
    .replace("modules_to_save.default.", "")
    .replace(/(lora_[AB])\.default\.weight$/, "$1.weight")
    .replace(/(lora_magnitude_vector)\.default\.weight$/, "$1");

const numbersOf = ({ data }: TensorLike): number[] => Array.from<number | bigint, number>(data, Number);

/** Within float32's rounding of what the two compute in float64. */
function expectClose(name: string, value: TensorLike, like: HostTensor, tolerance: number): void {
  const most = numbersOf(like).reduce((all, number) => Math.max(all, Math.abs(number)), 0);
  const others = numbersOf(like);
  const off = numbersOf(value).reduce((all, number, i) => Math.max(all, Math.abs(number - others[i])), 0);
  expect(off / most, name).toBeLessThan(tolerance);
  expect(value.data.length, name).toBe(like.data.length);
}

describe.each(Object.entries(variants))("%s", (variant, lora) => {
  const recipe: TrainingRecipe = { ...small, stage: "released", lora };

  test("is read, and written as PEFT wrote it", async () => {
    const adapter = await loadAdapter(fixture(variant));
    const { targets, ...settings } = lora;
    expect(adapter.settings).toMatchObject(settings);
    if (targets !== "all-linear") expect(adapter.settings.targetModules).toEqual(targets);
    const copy = join(folder, variant);
    await saveAdapter(copy, adapter);
    const file = "adapter_model.safetensors";
    expect(await readSafetensors(join(copy, file))).toEqual(
      await readSafetensors(join(fixture(variant), file)),
    );
    const configOf = (directory: string): Record<string, unknown> =>
      JSON.parse(readFileSync(join(directory, "adapter_config.json"), "utf8")) as Record<string, unknown>;
    const { auto_mapping: _, ...written } = configOf(copy);
    expect(configOf(fixture(variant))).toMatchObject(written);
  });

  test("is merged as PEFT merges it", async () => {
    const merged = mergeLora(base, await loadAdapter(fixture(variant)));
    const changed = named(`${variant}.merged.`);
    const isChanged = ([name, tensor]: [string, HostTensor]): boolean => tensor !== base.get(name);
    expect(
      [...merged]
        .filter(isChanged)
        .map(([name]) => name)
        .sort(),
    ).toEqual([...changed.keys()].sort());
    for (const [name, tensor] of changed) expectClose(name, merged.get(name)!, tensor, 1e-6);
  });

  test("has PEFT's loss and gradients, of the parameters that PEFT trains", async () => {
    const ids = [[1, 5, 17, 9, 22, 3, 12, 8, 2]];
    const sizes = { batch: 1, tokens: 9, images: 0 };
    const scope = rootScope(scopeOptions(recipe));
    const { loss } = traceLoss(microConfig, sizes, scope);
    const trained = [...trainedParameters(scope)];
    const grads = gradients(
      loss,
      trained.map(([, tensor]) => tensor),
    );
    const adapter = await loadAdapter(fixture(variant));
    const values = new Map([...base, ...adapter.replaced]);
    for (const [name] of trained) {
      const part = loraPartOf(name);
      if (part !== undefined) values.set(name, adapter.lora.get(loraName(part.layer, part.part))!);
    }
    const { feeds } = lossFeeds(ids, [ids[0].map((_, i) => i > 0)]);
    const all = { ...Object.fromEntries(values), ...tokenFeeds(ids, { images: 0, videos: 0 }), ...feeds };
    const [found, ...foundGradients] = interpret([loss, ...grads], all);
    expectClose("loss", found, expected.get(`${variant}.loss`)!, 1e-6);
    const like = new Map([...named(`${variant}.grad.`)].map(([name, tensor]) => [ownName(name), tensor]));
    expect(trained.map(([name]) => name).sort()).toEqual([...like.keys()].sort());
    for (const [i, [name]] of trained.entries()) expectClose(name, foundGradients[i], like.get(name)!, 1e-5);
  });

  test("begins with the lengths that PEFT begins with", () => {
    const starts = new Map([...named(`${variant}.start.`)].map(([name, tensor]) => [ownName(name), tensor]));
    const { parameters } = languageObjective(microConfig, recipe);
    const lengths = parameters.filter(({ role }) => role === "magnitude");
    expect(lengths.map(({ name }) => name).sort()).toEqual([...starts.keys()].sort());
    for (const { name, dims, initial } of lengths) {
      if (initial.kind !== "rowNorms") throw new TypeError(name);
      const start = float32(new Float32Array(dims[0]), dims);
      fillWithRowNorms(start.data, base.get(initial.of)!);
      expectClose(name, start, starts.get(name)!, 1e-6);
    }
  });
});
