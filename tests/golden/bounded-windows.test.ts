// Layers with a window keep no more than their window: what follows is as if they kept everything.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/checkpoint/index.ts";
import { completeSettings, Engine } from "../../src/generation/index.ts";
import { LoadedModel } from "../../src/inference/index.ts";
import { cacheSizes, publishedLanguage, readLanguageConfig, traceForward } from "../../src/model/index.ts";
import { microConfig } from "../../src/model/testing/micro.ts";
import { openDevice } from "../../src/runtime/index.ts";
import { int64 } from "../../src/tensor/index.ts";
import { runGraph, type Values } from "./run-model.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../fixtures/families/${path}`, import.meta.url));
const device = await openDevice({ threads: 1 });

/** The model of a fixture, for longer sequences. */
async function loaded(name: string) {
  const json = JSON.parse(readFileSync(fixture(`${name}/config.json`), "utf8"));
  const longer = { ...publishedLanguage(json)!.json, max_position_embeddings: 2048 };
  const config = { ...microConfig, language: readLanguageConfig(longer, () => {})! };
  const tensors = await readSafetensors(fixture(`${name}/model.safetensors`));
  const weights: Values = Object.fromEntries(
    [...tensors].map(([key, value]) => [`language_model.${key}`, value]),
  );
  return { config, weights, model: new LoadedModel(config, new Map(Object.entries(weights)), device) };
}

const prompt = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((i * i * 7 + i * seed) % 80));
const settings = completeSettings({ maxNewTokens: 6, eosTokenIds: [] });

test.each(["mistral", "gemma3"])("%s: prompts, turns and rows longer than the bound", async (name) => {
  const { config, weights, model } = await loaded(name);
  const { bounded } = cacheSizes(config.language);
  expect(bounded!.capacity).toBeLessThan(384);
  const check = async (ids: readonly number[], answer: readonly number[]): Promise<void> => {
    const row = [...ids, ...answer];
    const graph = traceForward(config, { batch: 1, tokens: row.length, images: 0 }, ["logits"]);
    const { logits } = await runGraph(graph, { ...weights, input_ids: int64(row, [1, row.length]) });
    for (const [i, id] of answer.entries()) {
      const { vocabulary } = config.language;
      const at = (ids.length + i - 1) * vocabulary;
      const own = (logits.data as Float32Array).subarray(at, at + vocabulary);
      expect(own.indexOf(Math.max(...own))).toBe(id);
    }
  };
  const engine = new Engine(model, {}, { maxRunning: 3 });
  const ask = async (ids: readonly number[]) => {
    const answer = await engine.answer({ prompt: { ids, pictures: [] }, settings });
    await check(ids, answer.ids);
    return answer;
  };
  // Rows of unequal length at once, two of them beyond the bound.
  const [first] = await Promise.all([ask(prompt(450, 3)), ask(prompt(20, 5)), ask(prompt(380, 11))]);
  // A further turn goes on; one that goes back farther than the window is computed anew.
  const turn = [...prompt(450, 3), ...first.ids, 7, 8, 9];
  expect((await ask(turn)).cachedTokens).toBeGreaterThan(440);
  expect((await ask([...prompt(450, 3).slice(0, 200), 5, 6])).cachedTokens).toBe(0);
  await engine.close();
  const offline = Engine.offline(model, {}, 4);
  for (const ids of [prompt(400, 9), prompt(30, 9)]) {
    await check(ids, (await offline.answer({ prompt: { ids, pictures: [] }, settings })).ids);
  }
  // Several prompts of a batch at once, of which some are longer than the bound.
  const batch = [prompt(450, 13), prompt(40, 2), prompt(430, 17), prompt(250, 5)];
  const both = await Promise.all(
    batch.map((ids) => offline.answer({ prompt: { ids, pictures: [] }, settings })),
  );
  for (const [i, ids] of batch.entries()) await check(ids, both[i].ids);
  const beams = completeSettings({ maxNewTokens: 6, eosTokenIds: [], numBeams: 2 });
  const long = { ids: prompt(400, 9), pictures: [] };
  const bySearch = await offline.answer({ prompt: long, settings: beams });
  expect(bySearch.ids).toHaveLength(6);
  await offline.close();
  await model.close();
});

test("the bound saves memory, and is not there where it would not", async () => {
  const { model, config } = await loaded("mistral");
  const cache = model.newCache(1, 2000);
  expect(cache.buffers[0].dims[2]).toBe(cacheSizes(config.language).bounded!.capacity);
  expect(cache.bytesFor(2000)).toBeLessThan(cache.bytesFor(400) + 1);
  const short = { ...config.language, maxPositions: 128 };
  expect(cacheSizes(short).bounded).toBeUndefined();
  await model.close();
});
