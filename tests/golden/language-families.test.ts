// Language models of each family in their published layouts. What is expected was computed by transformers 5.18.0 in
// float32 (tests/fixtures/families/make.py): an implementation that shares nothing with this one.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors, validateParameters } from "../../src/checkpoint/index.ts";
import { type BeamRows, runBeamSearch } from "../../src/generation/beam-search.ts";
import { completeSettings, Engine } from "../../src/generation/index.ts";
import { LoadedModel } from "../../src/inference/index.ts";
import {
  describeParameters,
  type OwlConfig,
  publishedLanguage,
  readLanguageConfig,
  traceForward,
} from "../../src/model/index.ts";
import { languageConfigJson } from "../../src/model/language/families.ts";
import { microConfig } from "../../src/model/testing/micro.ts";
import { openDevice } from "../../src/runtime/index.ts";
import { type HostTensor, int64 } from "../../src/tensor/index.ts";
import {
  gradientDifference,
  largestDifference,
  lossAndGradients,
  numbersOf,
  runGraph,
  type Values,
} from "./run-model.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../fixtures/families/${path}`, import.meta.url));
const io = await readSafetensors(fixture("expected.safetensors"));
const device = await openDevice({ threads: 1 });

interface Part {
  readonly config: OwlConfig;
  readonly weights: Values;
}

async function readPart(name: string): Promise<Part> {
  const problems: string[] = [];
  const { json } = publishedLanguage(JSON.parse(readFileSync(fixture(`${name}/config.json`), "utf8")))!;
  const language = readLanguageConfig(json, (key, problem) => problems.push(`${key}: ${problem}`))!;
  expect(problems).toEqual([]);
  expect(readLanguageConfig(JSON.parse(JSON.stringify(languageConfigJson(language))), () => {})).toEqual(
    language,
  );
  const tensors = await readSafetensors(fixture(`${name}/model.safetensors`));
  const weights = Object.fromEntries([...tensors].map(([key, value]) => [`language_model.${key}`, value]));
  return { config: { ...microConfig, language }, weights };
}

/** Rows 0, 8, 16, … of the one sequence. */
function everyEighth({ dims: [, tokens, width], data }: HostTensor): HostTensor {
  const rows = Array.from({ length: Math.ceil(tokens / 8) }, (_, i) => i * 8 * width);
  const kept = rows.flatMap((start) => [...(data as Float32Array).subarray(start, start + width)]);
  return { dtype: "float32", dims: [rows.length, width], data: Float32Array.from(kept) };
}

const about: readonly (readonly [string, string])[] = [
  ["qwen2", "biases on queries, keys, values; a window that is off; tied"],
  ["qwen2-yarn", "YaRN, a window from the second layer on, a head size of its own"],
  ["qwen3", "norms head by head, three heads that share one"],
  ["llama-biases", "biases everywhere, dynamic scaling"],
  ["mistral", "a window of nine in every layer"],
  ["mistral-whole", "no window, transformers 5's spelling"],
  ["smollm3", "a layer without positions, tied though config.json does not say so"],
  ["phi3", "fused projections, a part of each head turned, LongRoPE"],
  ["phi3-window", "fused projections, a window of six"],
  ["gemma2", "norms around, capped scores and logits, every other layer a window"],
  ["gemma3", "two kinds of angles, the older spelling"],
  ["gemma3-nested", "the text half of a larger model, the newer spelling"],
  ["olmo2", "norms behind, and over whole projections"],
  ["granite", "multipliers"],
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
    const { logits } = await runGraph(graph, { ...weights, input_ids: io.get(`${name}.input_ids`)! });
    expect(largestDifference(everyEighth(logits), io.get(`${name}.logits`)!)).toBeLessThan(1e-4);
  });

  test("the loss and its gradients", async () => {
    const { config, weights } = await readPart(name);
    const batch = { rows: [ids], counts: [ids.map((_, i) => Number(i > 0))], images: 0, pixels: {} };
    const got = await lossAndGradients({ config, weights }, batch, "full");
    expect(got.loss).toBeCloseTo(numbersOf(io.get(`${name}.loss`)!)[0], 4);
    const expected = [...io].filter(([key]) => key.startsWith(`${name}.grad.`));
    expect(expected).toHaveLength(Object.keys(got.gradients).length);
    for (const [key, entries] of expected) {
      const whole = got.gradients[key.replace(`${name}.grad.`, "language_model.")];
      const stride = Math.max(1, Math.floor(whole.data.length / 12));
      const kept = (whole.data as Float32Array).filter((_, i) => i % stride === 0);
      const found: HostTensor = { dtype: "float32", dims: [kept.length], data: kept };
      expect(gradientDifference(found, entries), key).toBeLessThan(5e-4);
    }
  });

  test("the tokens that follow, with a KV cache", async () => {
    const { config, weights } = await readPart(name);
    const model = new LoadedModel(config, new Map(Object.entries(weights)), device);
    const expected = numbersOf(io.get(`${name}.greedy`)!);
    const settings = completeSettings({ maxNewTokens: expected.length, eosTokenIds: [] });
    const answer = await Engine.offline(model, {}).answer({ prompt: { ids, pictures: [] }, settings });
    expect(answer.ids).toEqual(expected);
    await model.close();
  });
});

describe("sequences that outgrow the length their keys were made for", () => {
  const outgrowing = ["phi3", "llama-biases"];
  const asked = async (name: string, settings: object, rows = 1) => {
    const { config, weights } = await readPart(name);
    const model = new LoadedModel(config, new Map(Object.entries(weights)), device);
    const whole = completeSettings({ maxNewTokens: 10, eosTokenIds: [], ...settings });
    const ids = numbersOf(io.get(`${name}.input_ids`)!);
    const engine = Engine.offline(model, {}, rows);
    // Shorter prompts outgrow it later.
    const prompts = Array.from({ length: rows }, (_, i) => ({ ids: ids.slice(3 * i), pictures: [] }));
    const answers = await Promise.all(prompts.map((prompt) => engine.answer({ prompt, settings: whole })));
    await model.close();
    return { answers: answers.map((answer) => answer.ids), config, weights, prompts };
  };

  test.each(outgrowing)("%s: rows of one batch, each at its own token", async (name) => {
    const { answers, config, weights, prompts } = await asked(name, {}, 3);
    for (const [i, { ids }] of prompts.entries()) {
      const row = [...ids];
      for (const next of answers[i]) {
        const graph = traceForward(config, { batch: 1, tokens: row.length, images: 0 }, ["logits"]);
        const input_ids = int64(row, [1, row.length]);
        const { logits } = await runGraph(graph, { ...weights, input_ids });
        const last = (logits.data as Float32Array).subarray(-config.language.vocabulary);
        expect(last.indexOf(Math.max(...last))).toBe(next);
        row.push(next);
      }
    }
  });

  test.each(outgrowing)("%s: several beams", async (name) => {
    const { answers, config, weights, prompts } = await asked(name, { numBeams: 3 });
    const settings = completeSettings({ maxNewTokens: 10, eosTokenIds: [], numBeams: 3 });
    const wholly = async (more: readonly number[]): Promise<Float32Array> => {
      const row = [...prompts[0].ids, ...more];
      const graph = traceForward(config, { batch: 1, tokens: row.length, images: 0 }, ["logits"]);
      const { logits } = await runGraph(graph, { ...weights, input_ids: int64(row, [1, row.length]) });
      return (logits.data as Float32Array).slice(-config.language.vocabulary);
    };
    const rows: BeamRows = { advance: (_, beams) => Promise.all(beams.map(wholly)) };
    expect(answers[0]).toEqual(await runBeamSearch(rows, await wholly([]), { settings }));
  });
});
