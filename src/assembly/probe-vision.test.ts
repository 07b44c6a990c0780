// Random checkpoints as transformers 5.18.0 saves them, its last hidden states and PyTorch's gradients
// (tests/fixtures/towers/make.py).

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import { pixelInput, visionEncoder } from "../model/index.ts";
import { openDevice } from "../runtime/index.ts";
import { constant, float32, type HostTensor, mul, rootScope, total } from "../tensor/index.ts";
import { probeVision, readPublishedVision } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/towers/${path}`, import.meta.url));
const expected = await readSafetensors(fixture("expected.safetensors"));
const names = [...expected.keys()];

const numbers = ({ data }: HostTensor): number[] => Array.from<number | bigint, number>(data, Number);

function distance(got: readonly number[], wanted: readonly number[]): number {
  return Math.max(...wanted.map((value, i) => Math.abs(value - got[i])));
}

describe("a tower's last hidden state is that of transformers", () => {
  const cases = names.flatMap((name) => {
    const [, folder, size] = /^(.*)\.(\d+)\.pixel_values$/.exec(name) ?? [];
    return folder === undefined ? [] : [[folder, Number(size)] as const];
  });
  test("cases of every tower", () => expect(cases.length).toBe(19));

  test.each(cases)("%s with pictures of %i pixels", async (folder, size) => {
    const pixels = expected.get(`${folder}.${size}.pixel_values`)!;
    const results = await probeVision(fixture(folder), new Map([["pixel_values", pixels]]), { threads: 1 });
    const got = results.get("last_hidden_state")!;
    const wanted = expected.get(`${folder}.${size}.last_hidden_state`)!;
    expect(got.dims).toEqual(wanted.dims);
    expect(distance(numbers(got), numbers(wanted))).toBeLessThan(1e-5);
  });
});

describe("a tower's gradients are PyTorch's", () => {
  const cases = new Set(names.flatMap((name) => /^(.*\.\d+)\.grad\./.exec(name)?.[1] ?? []));

  test.each([...cases])("%s", async (base) => {
    const folder = base.replace(/\.\d+$/, "");
    const json: unknown = JSON.parse(readFileSync(join(fixture(folder), "config.json"), "utf8"));
    const { config: vision } = readPublishedVision(json, () => {})!;
    const scope = rootScope();
    const { lastHiddenState } = visionEncoder(scope.at("vision_model"), pixelInput({ vision }, 2), vision);
    const dims = lastHiddenState.shape.map(({ size }) => size!);
    const factors = float32(
      Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
      dims,
    );
    const loss = total(mul(lastHiddenState, constant(factors)));
    const wanted = names.filter((name) => name.startsWith(`${base}.grad.`));
    const parameters = wanted.map((name) => `vision_model.${name.slice(`${base}.grad.`.length)}`);
    const found = gradients(
      loss,
      parameters.map((name) => scope.parameters().get(name)!),
    );
    const outputs = Object.fromEntries(wanted.map((name, i) => [name, found[i]]));
    const program = await (await openDevice({ threads: 1 })).compile({ name: "gradients", outputs });
    const weights = await readSafetensors(join(fixture(folder), "model.safetensors"));
    const feeds = program.inputs.map(({ name }) => {
      const own = name.replace("vision_model.", "");
      return [name, expected.get(`${base}.${name}`) ?? weights.get(own) ?? weights.get(name)!] as const;
    });
    const results = await program.run(Object.fromEntries(feeds));
    program.dispose();
    for (const name of wanted) {
      const got = numbers(results[name]).filter((_, i) => i % 3 === 0);
      const reference = numbers(expected.get(name)!);
      const largest = Math.max(...reference.map(Math.abs));
      expect(distance(got, reference) / largest, name).toBeLessThan(1e-5);
    }
  });
});

test("a tower in a larger model that was built on it, under the larger one's names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owl-built-on-"));
  const own = JSON.parse(readFileSync(join(fixture("siglip-alone"), "config.json"), "utf8"));
  const config = { model_type: "gemma3", text_config: { model_type: "gemma3_text" }, vision_config: own };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const weights = await readSafetensors(join(fixture("siglip-alone"), "model.safetensors"));
  const inside = [...weights].map(
    ([name, tensor]) => [`model.vision_tower.vision_model.${name}`, tensor] as const,
  );
  const others = [["model.multi_modal_projector.mm_soft_emb_norm.weight", float32([1], [1])] as const];
  await writeSafetensors(join(folder, "model.safetensors"), new Map([...inside, ...others]));
  const inputs = new Map([["pixel_values", expected.get("siglip-alone.30.pixel_values")!]]);
  const got = (await probeVision(folder, inputs, { threads: 1 })).get("last_hidden_state")!;
  const wanted = expected.get("siglip-alone.30.last_hidden_state")!;
  expect(distance(numbers(got), numbers(wanted))).toBeLessThan(1e-5);
  await writeFile(
    join(folder, "config.json"),
    JSON.stringify({ ...config, vision_config: { model_type: "x" } }),
  );
  await expect(probeVision(folder, inputs)).rejects.toThrow('got "gemma3"');
  await rm(folder, { recursive: true });
});

test("pixels that no tower takes are refused", async () => {
  const probe = (pixels?: HostTensor) =>
    probeVision(fixture("siglip"), new Map(pixels ? [["pixel_values", pixels]] : []), { threads: 1 });
  await expect(probe()).rejects.toThrow(/pixel_values: must be .* got nothing/);
  await expect(probe(float32(new Array(90).fill(0), [1, 3, 5, 6]))).rejects.toThrow(/\[1, 3, 5, 6\]/);
  await expect(probe(float32(new Array(75).fill(0), [1, 3, 5, 5]))).rejects.toThrow(
    /patch_size: .*\(5\), got 7/,
  );
});
