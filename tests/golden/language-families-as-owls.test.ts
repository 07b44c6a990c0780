// Every family alone, as a part of an owl, and in few bits; what is expected is transformers' (tests/fixtures/families).
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { assembleOwl } from "../../src/assembly/index.ts";
import {
  entriesByName,
  openCheckpoint,
  readSafetensors,
  writeSafetensors,
} from "../../src/checkpoint/index.ts";
import { probeLanguage } from "../../src/inspection/index.ts";
import { releasedLora, tokensPerImage } from "../../src/model/index.ts";
import { randomNumbers } from "../../src/model/testing/micro.ts";
import { Owl } from "../../src/owl/index.ts";
import { convertCheckpoint } from "../../src/quantization/index.ts";
import { float32, type HostTensor } from "../../src/tensor/index.ts";
import { families, fixture, writeFamily } from "../family-fixture.ts";
import { largestDifference, lossAndGradients, numbersOf, readModel } from "./run-model.ts";

const io = await readSafetensors(fixture("families/expected.safetensors"));
const root = mkdtempSync(join(tmpdir(), "owl-families-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A family's fixture with a tokenizer of a few letters. */
const withTokenizer = (name: string): string => writeFamily(name, join(root, name));

function everyEighth({ dims: [, tokens, width], data }: HostTensor): HostTensor {
  const rows = Array.from({ length: Math.ceil(tokens / 8) }, (_, i) => i * 8 * width);
  const kept = rows.flatMap((start) => [...(data as Float32Array).subarray(start, start + width)]);
  return { dtype: "float32", dims: [rows.length, width], data: Float32Array.from(kept) };
}

const inputs = (name: string) => new Map([["input_ids", io.get(`${name}.input_ids`)!]]);

async function logitsOf(directory: string, name: string): Promise<HostTensor> {
  const owl = await Owl.load(directory, { threads: 1 });
  try {
    return everyEighth((await probeLanguage(owl, inputs(name))).get("logits")!);
  } finally {
    await owl.close();
  }
}

/** How alike two tensors are: the cosine of their angle. */
function likeness(a: HostTensor, b: HostTensor): number {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  const product = (p: number[], q: number[]): number => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

test.each(families)("%s: alone, in an owl, and in four and eight bits", async (name) => {
  const language = withTokenizer(name);
  const expected = io.get(`${name}.logits`)!;
  expect(largestDifference(await logitsOf(language, name), expected)).toBeLessThan(1e-4);
  const owl = join(root, `${name}-owl`);
  await assembleOwl(owl, { vision: fixture("parts/clip"), language, queries: 2, abstractorLayers: 1 });
  expect(largestDifference(await logitsOf(owl, name), expected)).toBeLessThan(1e-4);
  for (const [from, quantize, blockSize, least] of [
    [owl, "q4", 32, 0.85],
    [language, "q8", 32, 0.99],
    [language, "q8", "row", 0.99],
  ] as const) {
    const output = `${from}-${quantize}-${blockSize}`;
    await convertCheckpoint(from, output, { quantize, blockSize });
    const { weights } = await openCheckpoint(output);
    const wide = [...entriesByName(weights).values()].filter(
      ({ name, type, dims }) =>
        name.startsWith("language_model.") && dims.length > 1 && type !== "U8" && type !== "I8",
    );
    // Nothing but scales stays in floating point.
    expect(wide.map(({ name }) => name).filter((name) => !name.endsWith(".scales"))).toEqual([]);
    await weights.close();
    expect(likeness(await logitsOf(output, name), expected)).toBeGreaterThan(least);
  }
});

test.each(families)("%s: both stages train through it", async (name) => {
  const model = await readModel(join(root, `${name}-owl`));
  const { config } = model;
  const picture = new Array<number>(tokensPerImage(config)).fill(-1);
  const rows = [[1, ...picture, 5, 6, 7, 2]];
  const side = config.vision.imageSize;
  const pixels = float32(randomNumbers(3 * side ** 2, 1, 3), [1, 3, side, side]);
  const batch = {
    rows,
    counts: [rows[0].map((_, i) => Number(i > 3))],
    images: 1,
    pixels: { pixel_values: pixels },
  };
  const first = await lossAndGradients(model, batch, "1");
  expect(numbersOf(first.gradients.query_tokens).some((value) => Math.abs(value) > 1e-9)).toBe(true);
  expect(Object.keys(first.gradients).some((key) => key.startsWith("language_model."))).toBe(false);
  const { targets, rank } = releasedLora(config.language);
  const lora: Record<string, HostTensor> = {};
  for (const [key, { dims }] of Object.entries(model.weights)) {
    const layer = key.replace(/\.weight$/, "");
    if (!targets(layer)) continue;
    lora[`${layer}.lora_A.weight`] = float32(randomNumbers(rank * dims[1], 0.3, 1), [rank, dims[1]]);
    lora[`${layer}.lora_B.weight`] = float32(new Float32Array(dims[0] * rank), [dims[0], rank]);
  }
  const second = await lossAndGradients({ config, weights: { ...model.weights, ...lora } }, batch, "2");
  expect(second.loss).toBeCloseTo(first.loss, 5);
  for (const key of Object.keys(lora).filter((one) => one.includes("lora_B"))) {
    expect(
      numbersOf(second.gradients[key]).some((value) => Math.abs(value) > 1e-9),
      key,
    ).toBe(true);
  }
});

test("tokens that follow, of several rows, and inputs that are none", async () => {
  const owl = await Owl.load(fixture("families/mistral"), { threads: 1 });
  const given = new Map([...inputs("mistral"), ["attention_mask", io.get("mistral.input_ids")!]]);
  const greedy = numbersOf(io.get("mistral.greedy")!);
  const other = Array.from({ length: 90 }, (_, id) => id).find((id) => !greedy.includes(id));
  const ids = (await probeLanguage(owl, given, { max_new_tokens: 10, eos_token_id: other })).get("ids")!;
  expect(numbersOf(ids)).toEqual(greedy);
  expect(ids.dims).toEqual([1, 10]);
  await expect(probeLanguage(owl, new Map())).rejects.toThrow("input_ids must be [rows, tokens], got none");
  const wrong: HostTensor = { dtype: "int64", dims: [1, 1], data: BigInt64Array.of(90n) };
  await expect(probeLanguage(owl, new Map([["input_ids", wrong]]))).rejects.toThrow("from 0 to 89, got 90");
  await expect(owl.attention("any.png")).rejects.toThrow("got a language model alone");
  expect(() => owl.config.vision).toThrow("owl assemble");
  await owl.close();
});

test.each([
  ["as transformers 4 names them", "language_model.model.", "language_model."],
  ["as transformers 5 names them", "model.language_model.", ""],
])("the text half of a larger model, %s", async (_, body, head) => {
  const from = await readSafetensors(fixture("families/gemma3-nested/model.safetensors"));
  const directory = join(root, `nested-${head.length}`);
  mkdirSync(directory, { recursive: true });
  cpSync(fixture("families/gemma3-nested/config.json"), join(directory, "config.json"));
  const tensors = new Map([...from].map(([key, value]) => [key.replace(/^model\./, body), value]));
  tensors.set(`${head}lm_head.weight`, from.get("model.embed_tokens.weight")!);
  tensors.set("vision_tower.embeddings.weight", float32([1], [1]));
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  expect(
    largestDifference(await logitsOf(directory, "gemma3-nested"), io.get("gemma3-nested.logits")!),
  ).toBeLessThan(1e-4);
});

test("a head that is stored beside the embeddings it would be tied to is used where it differs", async () => {
  const directory = join(root, "untied");
  mkdirSync(directory);
  const from = await readSafetensors(fixture("families/qwen2/model.safetensors"));
  const embeddings = from.get("model.embed_tokens.weight")!;
  const twice = (embeddings.data as Float32Array).map((value) => 2 * value);
  cpSync(fixture("families/qwen2/config.json"), join(directory, "config.json"));
  await writeSafetensors(
    join(directory, "model.safetensors"),
    new Map([...from, ["lm_head.weight", { ...embeddings, data: twice }]]),
  );
  const doubled = io.get("qwen2.logits")!;
  const expected = { ...doubled, data: (doubled.data as Float32Array).map((value) => 2 * value) };
  expect(largestDifference(await logitsOf(directory, "qwen2"), expected)).toBeLessThan(2e-4);
  expect(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")).tie_word_embeddings).toBe(true);
});
