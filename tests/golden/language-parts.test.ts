// Language models in their own published layouts. What is expected was computed by transformers 5.17.0 in float32
// (tests/fixtures/parts/make.py): an implementation that shares nothing with this one.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors, validateParameters } from "../../src/checkpoint/index.ts";
import { completeSettings, Engine } from "../../src/generation/index.ts";
import { LoadedModel } from "../../src/inference/index.ts";
import {
  describeParameters,
  type LanguageConfig,
  type LlamaConfig,
  type OwlConfig,
  readLanguageConfig,
  traceForward,
} from "../../src/model/index.ts";
import { microConfig } from "../../src/model/testing/micro.ts";
import { openDevice } from "../../src/runtime/index.ts";
import type { HostTensor } from "../../src/tensor/index.ts";
import {
  gradientDifference,
  largestDifference,
  lossAndGradients,
  numbersOf,
  runGraph,
  type Values,
} from "./run-model.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../fixtures/parts/${path}`, import.meta.url));
const io = await readSafetensors(fixture("expected.safetensors"));
const device = await openDevice({ threads: 1 });

interface Part {
  readonly config: OwlConfig;
  readonly weights: Values;
}

async function readPart(name: string): Promise<Part> {
  const problems: string[] = [];
  const json = JSON.parse(readFileSync(fixture(`${name}/config.json`), "utf8"));
  const language = readLanguageConfig(json, (key, problem) => problems.push(`${key}: ${problem}`));
  expect(problems).toEqual([]);
  const tensors = await readSafetensors(fixture(`${name}/model.safetensors`));
  const weights = Object.fromEntries([...tensors].map(([key, value]) => [`language_model.${key}`, value]));
  return { config: { ...microConfig, language: language as LanguageConfig }, weights };
}

/** Rows 0, 8, 16, … of the one sequence. */
function everyEighth({ dims: [, tokens, width], data }: HostTensor): HostTensor {
  const rows = Array.from({ length: tokens / 8 }, (_, i) => i * 8 * width);
  const kept = rows.flatMap((start) => [...(data as Float32Array).subarray(start, start + width)]);
  return { dtype: "float32", dims: [rows.length, width], data: Float32Array.from(kept) };
}

const about: readonly (readonly [string, string])[] = [
  ["llama3", "shared heads of a size of their own, tied embeddings, rope_scaling llama3"],
  ["llama2", "a head of its own, another base, rope_scaling linear"],
  ["bloom", "ALiBi for six heads, normalised embeddings, a tied head"],
];

describe.each(about)("%s: %s", (name) => {
  const ids = numbersOf(io.get(`${name}.input_ids`)!);

  test("every parameter is asked for by its published name", async () => {
    const { config, weights } = await readPart(name);
    const asked = describeParameters(config).filter(({ module }) => module === "language model");
    validateParameters(asked, new Map(Object.entries(weights)));
  });

  test("the logits", async () => {
    const { config, weights } = await readPart(name);
    const graph = traceForward(config, { batch: 1, tokens: ids.length, images: 0 }, ["logits"]);
    const input_ids: HostTensor = {
      dtype: "int64",
      dims: [1, ids.length],
      data: BigInt64Array.from(ids.map(BigInt)),
    };
    const { logits } = await runGraph(graph, { ...weights, input_ids });
    expect(largestDifference(everyEighth(logits), io.get(`${name}.logits`)!)).toBeLessThan(1e-4);
  });

  test("the tokens that follow, with a KV cache", async () => {
    const { config, weights } = await readPart(name);
    const model = new LoadedModel(config, new Map(Object.entries(weights)), device);
    const settings = completeSettings({ maxNewTokens: 12, eosTokenIds: [] });
    const answer = await Engine.offline(model, {}).answer({ prompt: { ids, pictures: [] }, settings });
    expect(answer.ids).toEqual(numbersOf(io.get(`${name}.greedy`)!));
    await model.close();
  });
});

test("the scaling of angles is part of what is compared", async () => {
  for (const name of ["llama3", "llama2"]) {
    const { config, weights } = await readPart(name);
    const { ropeScaling, ...unscaled } = config.language as LlamaConfig;
    expect(ropeScaling).toBeDefined();
    const input_ids = io.get(`${name}.input_ids`)!;
    const sizes = { batch: 1, tokens: input_ids.data.length, images: 0 };
    const graph = traceForward({ ...config, language: unscaled }, sizes, ["logits"]);
    const { logits } = await runGraph(graph, { ...weights, input_ids });
    expect(largestDifference(everyEighth(logits), io.get(`${name}.logits`)!)).toBeGreaterThan(0.1);
  }
});

test("bloom: the loss of the next token and its gradients", async () => {
  const { config, weights } = await readPart("bloom");
  const ids = numbersOf(io.get("bloom.input_ids")!);
  const batch = { rows: [ids], counts: [ids.map((_, i) => Number(i > 0))], images: 0, pixels: {} };
  const got = await lossAndGradients({ config, weights }, batch, "full");
  expect(got.loss).toBeCloseTo(numbersOf(io.get("bloom.loss")!)[0], 4);
  const expected = [...io].filter(([name]) => name.startsWith("bloom.grad."));
  expect(expected).toHaveLength(7);
  for (const [name, entries] of expected) {
    const whole = got.gradients[name.replace("bloom.grad.", "language_model.")];
    const stride = Math.ceil(whole.data.length / entries.data.length);
    const kept = (whole.data as Float32Array).filter((_, i) => i % stride === 0);
    const found: HostTensor = { dtype: "float32", dims: [kept.length], data: kept };
    expect(gradientDifference(found, entries), name).toBeLessThan(5e-4);
  }
});
