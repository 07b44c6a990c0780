import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import {
  loadAdapter,
  loadCheckpoint,
  mergeLora,
  openCheckpoint,
  readSafetensors,
  type StateDict,
  saveAdapter,
} from "../checkpoint/index.ts";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";
import { assembleOwl, mergeCheckpoint } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/model/${path}`, import.meta.url));
const model = fixture(".");
const adapter = fixture("lora.safetensors");
const query = "language_model.model.layers.0.self_attn.q_proj";
const norm = "language_model.model.norm.weight";

const tower = fileURLToPath(new URL("../../tests/fixtures/parts/clip", import.meta.url));

let directory: string;
let made = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "owl-merge-"));
});
afterAll(() => rmSync(directory, { recursive: true }));
const fresh = (): string => join(directory, `model-${made++}`);

function expectEqual(got: StateDict, expected: StateDict): void {
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { dims, data }] of expected) {
    expect(got.get(name)!.dims, name).toEqual(dims);
    const kept = got.get(name)!.data;
    expect(
      data.findIndex((value, i) => kept[i] !== value),
      name,
    ).toBe(-1);
  }
}

const largestDifference = (a: HostTensor, b: HostTensor): number =>
  (a.data as Float32Array).reduce((most, value, i) => Math.max(most, Math.abs(value - Number(b.data[i]))), 0);

const family = (name: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/families/${name}`, import.meta.url));

/** A LoRA on the queries of a language model's first layer, as PEFT names it when it is trained on that alone. */
async function languageAdapter(base: string, prefix = "model."): Promise<string> {
  const { tensors } = await loadCheckpoint(base);
  const weight = [...tensors].find(([name]) => name.endsWith("layers.0.self_attn.q_proj.weight"))![1];
  const [outputs, inputs] = weight.dims;
  const wave = (dims: number[]) =>
    float32(
      Array.from({ length: dims[0] * dims[1] }, (_, i) => Math.sin(i + 1)),
      dims,
    );
  const module = `${prefix}layers.0.self_attn.q_proj`;
  const lora = new Map([
    [`base_model.model.${module}.lora_A.weight`, wave([2, inputs])],
    [`base_model.model.${module}.lora_B.weight`, wave([outputs, 2])],
  ]);
  const path = fresh();
  const settings = { rank: 2, alpha: 4, dropout: 0, targetModules: ["q_proj"] };
  await saveAdapter(path, { settings, lora, replaced: new Map() });
  return path;
}

async function textLogits(path: string, withAdapter?: string): Promise<HostTensor> {
  const owl = await Owl.load(path, { threads: 1, ...(withAdapter && { adapter: withAdapter }) });
  const { logits } = await owl.forward({ ids: [[1, 5, 17, 30, 2]] });
  await owl.close();
  return logits;
}

test("an adapter of a language model alone fits it, and the merged model has the names of its files", async () => {
  const base = family("qwen3");
  const lora = await languageAdapter(base);
  const together = await textLogits(base, lora);
  expect(largestDifference(await textLogits(base), together)).toBeGreaterThan(1e-3);
  const output = fresh();
  await mergeCheckpoint(base, output, { adapter: lora, floatType: "F32" });
  const names = async (path: string) => [...(await loadCheckpoint(path)).tensors.keys()].sort();
  expect(await names(output)).toEqual(await names(base));
  expect(largestDifference(await textLogits(output), together)).toBeLessThan(1e-5);
  const converted = fresh();
  await convertCheckpoint(output, converted, { quantize: "none" });
  expect(await names(converted)).toEqual(await names(base));
});

test("an adapter of a language model alone fits an owl of it, in few bits too", async () => {
  const base = fileURLToPath(new URL("../../tests/fixtures/parts/llama3", import.meta.url));
  const lora = await languageAdapter(base);
  const [owl, quantized] = [fresh(), fresh()];
  await assembleOwl(owl, { vision: tower, language: base, queries: 4, abstractorLayers: 1 });
  const together = await textLogits(base, lora);
  expect(largestDifference(await textLogits(owl, lora), together)).toBeLessThan(1e-5);
  await convertCheckpoint(owl, quantized, { quantize: "q8", blockSize: 32 });
  expect(largestDifference(await textLogits(quantized, lora), together)).toBeLessThan(0.2);
  expect(largestDifference(await textLogits(quantized), together)).toBeGreaterThan(0.2);
});

test("of a larger model the language half is merged, and stands alone", async () => {
  const base = family("gemma3-nested");
  const lora = await languageAdapter(base, "model.language_model.");
  const output = fresh();
  await mergeCheckpoint(base, output, { adapter: lora, floatType: "F32" });
  const { tensors, config } = await loadCheckpoint(output);
  expect(
    [...tensors.keys()].every((name) => name.startsWith("model.layers.") || !name.includes("layers")),
  ).toBe(true);
  expect(config).toMatchObject({ model_type: "gemma3_text" });
  expect(config).not.toHaveProperty("text_config");
  expect(largestDifference(await textLogits(output), await textLogits(base, lora))).toBeLessThan(1e-5);
});

/** Logits of a few ids and a picture. */
async function logitsOf(path: string, withAdapter?: string): Promise<HostTensor> {
  const owl = await Owl.load(path, { threads: 1, ...(withAdapter && { adapter: withAdapter }) });
  const { imageSize } = owl.config.vision;
  const data = Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => Math.sin(i));
  const picture = new Array<number>(owl.config.numQueryTokens + 1).fill(-1);
  const pixels = { dtype: "float32", dims: [1, 3, imageSize, imageSize], data } as const;
  const { logits } = await owl.forward({ ids: [[1, ...picture, 5, 60, 99, 300]], pixels });
  await owl.close();
  return logits;
}

test("a merged model is the model with its adapter, alone", async () => {
  const output = fresh();
  const report = await mergeCheckpoint(model, output, { adapter, floatType: "F32" });
  expect(report).toMatchObject({ layers: 6, replaced: 0, files: 1 });
  const { tensors, config } = await loadCheckpoint(output);
  const base = (await loadCheckpoint(model)).tensors;
  expectEqual(tensors, mergeLora(base, await loadAdapter(adapter)));
  expect(config).toMatchObject({ torch_dtype: "float32" });
  const together = await logitsOf(model, adapter);
  expect(largestDifference(await logitsOf(output), together)).toBeLessThan(1e-5);
  expect(largestDifference(await logitsOf(model), together)).toBeGreaterThan(0.1);
});

test("number formats are kept, or are those that are asked for", async () => {
  const [kept, wide, brain] = [fresh(), fresh(), fresh()];
  const { bytes } = await mergeCheckpoint(model, kept, { adapter });
  const typesOf = async (path: string): Promise<string[]> => {
    const { weights } = await openCheckpoint(path);
    await weights.close();
    return [...new Set(weights.tensors.map(({ type }) => type))];
  };
  expect(await typesOf(kept)).toEqual(["F16"]);
  const whole = await mergeCheckpoint(model, wide, { adapter, floatType: "F32" });
  expect(whole.bytes).toBe(2 * bytes);
  await mergeCheckpoint(model, brain, { adapter, floatType: "BF16" });
  expect(await typesOf(brain)).toEqual(["BF16"]);
  expect((await openCheckpoint(brain)).config).toMatchObject({ torch_dtype: "bfloat16" });
  // What the adapter leaves alone keeps every bit; a sum is rounded: to 11 bits.
  const [given, got, exact] = await Promise.all(
    [model, kept, wide].map(async (path) => (await loadCheckpoint(path)).tensors),
  );
  expect(got.get(norm)).toEqual(given.get(norm));
  const largest = Math.max(...(exact.get(`${query}.weight`)!.data as Float32Array).map(Math.abs));
  const rounding = largestDifference(got.get(`${query}.weight`)!, exact.get(`${query}.weight`)!);
  expect(rounding).toBeGreaterThan(0);
  expect(rounding).toBeLessThanOrEqual(largest * 2 ** -11);
});

test("what was trained beside a LoRA replaces the model's; the model may be cut into files", async () => {
  const path = fresh();
  const lora = await loadAdapter(adapter);
  const data = Float32Array.from({ length: 8 * 64 }, (_, i) => i / 512);
  const replaced = new Map([["query_tokens", float32(data, [1, 8, 64])]]);
  await saveAdapter(path, { ...lora, replaced });
  const output = fresh();
  const told: [number, number][] = [];
  const report = await mergeCheckpoint(model, output, {
    adapter: path,
    floatType: "F32",
    maxShardBytes: 500_000,
    onProgress: (bytes, total) => told.push([bytes, total]),
  });
  expect(report).toMatchObject({ layers: 6, replaced: 1 });
  expect(report.files).toBeGreaterThan(2);
  expect(told.at(-1)![0]).toBe(told[0][1]);
  const base = (await loadCheckpoint(model)).tensors;
  expectEqual((await loadCheckpoint(output)).tensors, mergeLora(base, { ...lora, replaced }));
});

test("an adapter of another model is refused with all of it named, and nothing is written", async () => {
  const path = fresh();
  const { lora, settings } = await loadAdapter(adapter);
  const other: StateDict = new Map(
    [...lora].map(([name, tensor]) => [name.replace("layers.2.", "layers.7."), tensor]),
  );
  const replaced = new Map([["query_tokens", float32([1, 2], [1, 1, 2])]]);
  await saveAdapter(path, { settings, lora: other, replaced });
  const output = fresh();
  await expect(mergeCheckpoint(model, output, { adapter: path })).rejects.toThrow(
    /3 problems[\s\S]*query_tokens \[1, 1, 2\] where the model's is \[1, 8, 64\][\s\S]*layers\.7\.self_attn\.q_proj[\s\S]*layers\.7\.self_attn\.v_proj/,
  );
  expect(readdirSync(directory)).not.toContain(output.slice(directory.length + 1));
});

test("a quantised model is refused, and a directory that holds a model", async () => {
  const quantised = fresh();
  await convertCheckpoint(model, quantised, { quantize: "q4", blockSize: 32 });
  await expect(mergeCheckpoint(quantised, fresh(), { adapter })).rejects.toThrow(
    /config\.json: must describe a model in floating point.*Merge the adapter into the checkpoint that it was converted from/,
  );
  await expect(mergeCheckpoint(model, quantised, { adapter })).rejects.toThrow("a directory without a model");
});

test("what was stopped is no model", async () => {
  const output = fresh();
  const stop = new AbortController();
  const settings = { adapter, maxShardBytes: 100_000, signal: stop.signal };
  const onProgress = (bytes: number, total: number): void => {
    if (bytes > total / 2) stop.abort(new Error("stopped by hand"));
  };
  await expect(mergeCheckpoint(model, output, { ...settings, onProgress })).rejects.toThrow(
    "stopped by hand",
  );
  await expect(openCheckpoint(output)).rejects.toThrow("config.json");
});

describe.skipIf(!sharedAvailable)("an adapter that PEFT wrote", () => {
  test.each([
    "adapter",
    "stage2-final.safetensors",
  ])("%s is merged to the original's weights", async (name) => {
    const base = shared("golden/tiny-image");
    const from = shared(`golden/tiny-train/${name}`);
    const output = fresh();
    await mergeCheckpoint(base, output, { adapter: from, floatType: "F32" });
    const { tensors } = await loadCheckpoint(output);
    expectEqual(tensors, mergeLora((await loadCheckpoint(base)).tensors, await loadAdapter(from)));
    const expected = await readSafetensors(shared("golden/tiny-train/stage2-merged-logits.safetensors"));
    const weights = [...expected].filter(([key]) => key.startsWith("merged_weight."));
    expect(weights).toHaveLength(2);
    for (const [key, value] of weights) {
      const merged = tensors.get(key.slice("merged_weight.".length))!;
      expect(largestDifference(merged, value), key).toBeLessThan(1e-6);
    }
  });
});

test("preprocessing from processor_config.json goes on with a model that is merged or converted", async () => {
  const source = fresh();
  cpSync(model, source, { recursive: true });
  const image_processor = { size: 56, image_mean: [0.1, 0.2, 0.3], image_std: [1, 1, 1] };
  writeFileSync(join(source, "processor_config.json"), JSON.stringify({ image_processor }));
  const [merged, converted] = [fresh(), fresh()];
  await mergeCheckpoint(source, merged, { adapter });
  await convertCheckpoint(source, converted, { quantize: "none" });
  for (const made of [merged, converted]) {
    const { preprocessorConfig, preprocessorFile } = await loadCheckpoint(made);
    expect(preprocessorConfig).toEqual(image_processor);
    expect(preprocessorFile).toBe(join(made, "preprocessor_config.json"));
  }
});

test("the words that an adapter of a model with a chat template was trained with go along", async () => {
  const [base, output] = [fresh(), fresh()];
  await assembleOwl(base, {
    vision: tower,
    language: fileURLToPath(new URL("../../tests/fixtures/parts/llama3", import.meta.url)),
    queries: 4,
    abstractorLayers: 1,
  });
  const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  writeFileSync(join(base, "chat_template.jinja"), template);
  const lora = await loadAdapter(await languageAdapter(base, "model."));
  const taught = fresh();
  await saveAdapter(taught, { ...lora, promptTemplate: { system_prompt: "Be brief." } });
  await mergeCheckpoint(base, output, { adapter: taught });
  const [merged, beside] = [await Owl.load(output), await Owl.load(base, { adapter: taught })];
  const { ids } = await merged.prompt("hi");
  expect(ids).toEqual((await beside.prompt("hi")).ids);
  expect(merged.tokenizer.decode(ids)).toContain("system: Be brief.");
  await merged.close();
  await beside.close();
});
