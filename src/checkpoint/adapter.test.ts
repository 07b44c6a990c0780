import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { float32 } from "../tensor/index.ts";
import {
  adapterFrom,
  adapterSource,
  loadAdapter,
  loraName,
  mergedTensors,
  mergeLora,
  openSafetensors,
  readSafetensors,
  rowsOf,
  type StateDict,
  saveAdapter,
  writeSafetensors,
} from "./index.ts";

const fixture = fileURLToPath(
  new URL("../../tests/fixtures/checkpoint/merged-lora.safetensors", import.meta.url),
);
const query = "language_model.model.layers.0.self_attn.q_proj";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adapter-"));
});
afterAll(() => rm(directory, { recursive: true }));

function expectClose(got: StateDict, expected: StateDict, tolerance: number): void {
  for (const [name, { data }] of expected) {
    const values = got.get(name)!.data;
    let worst = 0;
    for (let i = 0; i < data.length; i++)
      worst = Math.max(worst, Math.abs(Number(values[i]) - Number(data[i])));
    expect(worst, name).toBeLessThan(tolerance);
  }
}

function withPrefix(tensors: StateDict, prefix: string): StateDict {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

const matrices = (rank: number) =>
  new Map([
    [loraName("layer.q_proj", "A"), float32(new Array(rank * 3).fill(1), [rank, 3])],
    [loraName("layer.q_proj", "B"), float32(new Array(2 * rank).fill(0.5), [2, rank])],
  ]);

describe("an adapter", () => {
  it("merges to the reference's weights", async () => {
    const all = await readSafetensors(fixture);
    const lora = new Map([...all].filter(([name]) => name.startsWith("base_model")));
    const base = withPrefix(all, "base.");
    const untouched = base.get(`${query}.weight`)!.data.slice();
    const merged = mergeLora(base, adapterFrom(lora, undefined));
    expectClose(merged, withPrefix(all, "merged."), 1e-6);
    expect(base.get(`${query}.weight`)!.data).toEqual(untouched);
  });

  it("is worked in some rows at a time as at once, and what it changes lies in no file", async () => {
    const path = join(directory, "base.safetensors");
    const base = withPrefix(await readSafetensors(fixture), "base.");
    const untouched = float32([1, 2, 3, 4, 5, 6], [3, 2]);
    await writeSafetensors(path, new Map([...base, ["norm", float32([0], [1])], ["table", untouched]]));
    const all = await readSafetensors(fixture);
    const lora = new Map([...all].filter(([name]) => name.startsWith("base_model")));
    const adapter = { ...adapterFrom(lora, undefined), replaced: new Map([["norm", float32([7], [1])]]) };
    const source = mergedTensors(await openSafetensors(path), adapter);
    const expected = mergeLora(base, { ...adapter, replaced: new Map() });
    for (const [name, tensor] of expected) {
      expect(await source.read(name)).toEqual(tensor);
      expect(await source.read(name, [5, 8])).toEqual(rowsOf(tensor, [5, 8]));
    }
    expect(await source.read("norm")).toEqual(float32([7], [1]));
    expect(await source.read("table", [1, 3])).toEqual(float32([3, 4, 5, 6], [2, 2]));
    const inFiles = source.tensors.filter(({ place }) => place !== undefined).map(({ name }) => name);
    expect(inFiles).toEqual(["table"]);
    await source.close();
  });

  it("comes back as it was saved, with tensors that were trained beside it", async () => {
    const path = join(directory, "saved");
    const replaced = new Map([["query_tokens", float32([1, 2], [1, 1, 2])]]);
    const settings = { rank: 2, alpha: 16, dropout: 0.05, targetModules: ["q_proj"] };
    const adapter = { settings, lora: matrices(2), replaced };
    await saveAdapter(path, adapter);
    expect(await loadAdapter(path)).toEqual(adapter);
    const config = JSON.parse(await readFile(join(path, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({ peft_type: "LORA", r: 2, lora_alpha: 16, target_modules: ["q_proj"] });
  });

  it("is found where PEFT wraps the language model alone, as UReader's training saves it", () => {
    const wrapped = query.replace("language_model.", "language_model.base_model.model.");
    const saved = new Map([
      [`${wrapped}.lora_A.default.weight`, float32([1, 2, 3], [1, 3])],
      [`${wrapped}.lora_B.default.weight`, float32([1, 2], [2, 1])],
      [`${wrapped}.weight`, float32(new Array(6).fill(0), [2, 3])],
    ]);
    const { lora, replaced } = adapterFrom(saved, undefined);
    expect([...lora.keys()]).toEqual([loraName(query, "A"), loraName(query, "B")]);
    expect([...replaced.keys()]).toEqual([`${query}.weight`]);
  });

  it("scales by alpha / rank", () => {
    const base = new Map([["layer.q_proj.weight", float32([0, 0, 0, 1, 1, 1], [2, 3])]]);
    const adapter = adapterFrom(matrices(2), { peft_type: "LORA", r: 2, lora_alpha: 8, target_modules: "q" });
    expect([...mergeLora(base, adapter).get("layer.q_proj.weight")!.data]).toEqual([4, 4, 4, 5, 5, 5]);
  });

  it("that does not fit is refused with every tensor named", () => {
    const lora = new Map([...matrices(2), [loraName("layer.v_proj", "A"), float32([1, 1], [2, 1])]]);
    expect(() => adapterFrom(lora, undefined)).toThrow(/layer\.v_proj with lora_A only/);
    const adapter = adapterFrom(new Map([...matrices(2), ["extra", float32([1], [1])]]), undefined);
    const base = new Map([["layer.q_proj.weight", float32([1, 2], [2, 1])]]);
    expect(() => mergeLora(base, adapter)).toThrow(
      /extra \[1\], which the model has not[\s\S]*layer\.q_proj\.weight \[2, 3\]/,
    );
  });

  it("with settings that change its meaning is refused with every field named", async () => {
    const path = join(directory, "dora");
    await saveAdapter(path, adapterFrom(matrices(2), undefined));
    const bad = { peft_type: "LORA", r: 2, lora_alpha: 8, target_modules: [], use_qalora: true, bias: "all" };
    await writeFile(join(path, "adapter_config.json"), JSON.stringify(bad));
    await expect(loadAdapter(path)).rejects.toThrow(/adapter_config\.json[\s\S]*bias[\s\S]*use_qalora/);
  });
});

describe.skipIf(!sharedAvailable)("adapters written by PEFT", () => {
  it("load and merge to its weights", async () => {
    const base = await readSafetensors(shared("golden/tiny-image/model.safetensors"));
    const expected = withPrefix(
      await readSafetensors(shared("golden/tiny-train/stage2-merged-logits.safetensors")),
      "merged_weight.",
    );
    const folder = await loadAdapter(shared("golden/tiny-train/adapter"));
    expect(folder.settings).toMatchObject({ rank: 8, alpha: 32 });
    expectClose(mergeLora(base, folder), expected, 1e-6);

    const file = await loadAdapter(shared("golden/tiny-train/stage2-final.safetensors"));
    expect(file.lora).toEqual(folder.lora);
    expect(file.replaced.has("query_tokens")).toBe(true);
    expectClose(mergeLora(base, file), expected, 1e-6);
  });
});

it("is read from its directory, or from a lone file that nothing beside it speaks of", async () => {
  const names = ["mine.safetensors", "adapter_model.safetensors", "pytorch_model.bin.index.json"];
  for (const name of names) await writeFile(join(directory, name), "");
  expect(await adapterSource(directory)).toBe(directory);
  const sources = await Promise.all(names.map((name) => adapterSource(join(directory, name))));
  expect(sources).toEqual([join(directory, names[0]), directory, directory]);
  for (const name of names) await rm(join(directory, name));
});
