import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { loadCheckpoint } from "../checkpoint/index.ts";
import {
  type BoundProgram,
  LoadedModel,
  type Media,
  mediaFromPixels,
  type Prompt,
} from "../inference/index.ts";
import { forward } from "../inspection/index.ts";
import { parseConfig } from "../model/index.ts";
import { xoshiro128 } from "../primitives/index.ts";
import { openDevice } from "../runtime/index.ts";
import { allocate } from "../tensor/index.ts";
import { Engine } from "./engine.ts";
import { generateBatch } from "./generate-batch.ts";
import type { ChatAnswer, GenerationRequest, TokenConstraint } from "./request.ts";
import { completeSettings, type GenerationSettings } from "./settings.ts";

let model: LoadedModel;
let pictures: Media[];

beforeAll(async () => {
  const directory = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
  const { config, tensors } = await loadCheckpoint(directory);
  model = new LoadedModel(parseConfig(config), tensors, await openDevice({ threads: 1 }));
  pictures = await Promise.all([1, 2, 3].map((seed) => mediaFromPixels(noise(seed))));
});
afterAll(() => model.close());

/** An engine that has answered nothing yet. */
const fresh = (): Engine => Engine.offline(model, {});

async function answerOf(
  engine: Engine,
  prompt: Prompt,
  settings: GenerationSettings,
  request: Partial<GenerationRequest> = {},
): Promise<ChatAnswer> {
  const { cachedTokens, ...rest } = await engine.answer({ prompt, settings, ...request });
  return rest;
}

const together = (
  prompts: readonly Prompt[],
  settings: GenerationSettings,
  batchSize?: number,
): Promise<ChatAnswer[]> => generateBatch(model, {}, { prompts, settings, batchSize });

function noise(seed: number): Float32Array {
  const random = xoshiro128(seed);
  return Float32Array.from({ length: 3 * 56 * 56 }, () => 2 * random() - 1);
}

function words(count: number, seed: number): number[] {
  const random = xoshiro128(seed);
  return Array.from({ length: count }, () => 3 + Math.floor(1000 * random()));
}

const slots = new Array(9).fill(-1);

/** Prompts of many lengths: text alone, a picture, two pictures side by side. */
function prompts(): Prompt[] {
  return [
    { ids: [1, ...words(3, 1)], pictures: [] },
    { ids: [1, ...words(11, 2), ...slots, ...words(4, 3)], pictures: [pictures[0]] },
    { ids: [1, ...words(5, 4), ...slots, ...slots, ...words(9, 5)], pictures: [pictures[1], pictures[2]] },
    { ids: [1, ...words(70, 6)], pictures: [] },
    { ids: [1, ...slots], pictures: [pictures[2]] },
    { ids: [1], pictures: [] },
  ];
}

test("the vision encoder's weights are constants of its program, which its kernels rearrange", async () => {
  const { program, parameters } = await model.visionProgram();
  expect([program.inputs.map(({ name }) => name), parameters]).toEqual([["pixel_values"], {}]);
});

const greedy = completeSettings({ maxNewTokens: 20, eosTokenIds: [] });

test("with a KV cache the tokens are those of whole forward passes without one", async () => {
  const size = 3 * 56 * 56;
  for (const prompt of prompts().slice(0, 3)) {
    const ids = [...prompt.ids];
    const pixels = allocate("float32", [prompt.pictures.length, 3, 56, 56]);
    for (const [i, picture] of prompt.pictures.entries()) pixels.data.set(picture.pixels, i * size);
    for (let step = 0; step < 4; step++) {
      const inputs = prompt.pictures.length > 0 ? { ids: [ids], pixels } : { ids: [ids] };
      const { logits } = await forward(model, inputs);
      const last = (logits.data as Float32Array).subarray(-1024);
      ids.push(last.indexOf(Math.max(...last)));
    }
    const answer = await answerOf(fresh(), prompt, { ...greedy, maxNewTokens: 4 });
    expect(answer).toMatchObject({ ids: ids.slice(prompt.ids.length), finishReason: "length" });
  }
});

test("a batch of unequal prompts gives what each gives alone, also when rows end early", async () => {
  const [first] = await together(prompts().slice(1, 2), greedy);
  const settings = { ...greedy, eosTokenIds: first.ids.slice(4, 8), maxNewTokens: 70 };
  const alone = [];
  for (const prompt of prompts()) alone.push(await answerOf(fresh(), prompt, settings));
  expect(new Set(alone.map(({ ids }) => ids.length)).size).toBeGreaterThan(1);
  expect(await together(prompts(), settings)).toEqual(alone);
  expect(await together(prompts(), settings, 2)).toEqual(alone);
});

const repeating = (): Prompt => ({ ids: [1, ...words(9, 1), ...words(9, 1), ...words(9, 1)], pictures: [] });

/** Lets an answer say nine tokens again and again, with one of its own between them that it chooses of two. */
function chanting(): TokenConstraint {
  let count = 0;
  return {
    forbid(logits) {
      const allowed = count % 10 === 9 ? [50, 60] : [100 + (count % 10)];
      for (const id of logits.keys()) if (!allowed.includes(id)) logits[id] = -Infinity;
    },
    accept: () => count++,
  };
}

test("tokens that repeat are drafted and checked in one step, and are those that would come one by one", async () => {
  const request = { constraint: chanting };
  for (const some of [{}, { doSample: true, temperature: 4, seed: 4, presencePenalty: 0.5 }]) {
    const settings = { ...greedy, ...some, maxNewTokens: 90 };
    const one = fresh();
    const expected = await answerOf(one, repeating(), { ...settings, promptLookupNumTokens: 0 }, request);
    expect(one.statistics).toMatchObject({ decodeSteps: 89, generatedTokens: 90 });
    expect(expected.ids.filter((id) => id === 50 || id === 60)).toHaveLength(9);
    const engine = fresh();
    expect(await answerOf(engine, repeating(), settings, request)).toEqual(expected);
    expect(engine.statistics.generatedTokens).toBe(90);
    expect(engine.statistics.decodeSteps).toBeLessThan(45);
    // What a draft that failed left in the cache is overwritten: the next turn goes on from the answer.
    const further = { ids: [...repeating().ids, ...expected.ids, ...words(5, 8)], pictures: [] };
    const turn = await engine.answer({ prompt: further, settings });
    expect(turn.cachedTokens).toBe(repeating().ids.length + 89);
    expect(turn.ids).toEqual((await answerOf(fresh(), further, settings)).ids);
  }
});

test("a draft goes no further than the answer may, or its end", async () => {
  for (const maxNewTokens of [1, 2, 3, 4, 5, 11]) {
    const settings = { ...greedy, maxNewTokens };
    const expected = await answerOf(fresh(), repeating(), { ...settings, promptLookupNumTokens: 0 });
    expect(expected.ids).toHaveLength(maxNewTokens);
    expect(await answerOf(fresh(), repeating(), settings)).toEqual(expected);
  }
  const { ids } = await answerOf(fresh(), repeating(), { ...greedy, maxNewTokens: 40 });
  for (const eos of ids.slice(5, 9)) {
    const settings = { ...greedy, maxNewTokens: 40, eosTokenIds: [eos] };
    const ended = await answerOf(fresh(), repeating(), settings);
    expect(ended).toMatchObject({ ids: ids.slice(0, ids.indexOf(eos) + 1), finishReason: "end" });
  }
});

test("sampling repeats with its seed, in batches too, and differs with another", async () => {
  const settings = completeSettings({ ...greedy, doSample: true, temperature: 1.5, topK: 40, seed: 5 });
  const alone = [];
  for (const prompt of prompts()) alone.push(await answerOf(fresh(), prompt, settings));
  expect(await together(prompts(), settings)).toEqual(alone);
  const other = await together(prompts(), { ...settings, seed: 6 });
  expect(other).not.toEqual(alone);
});

/** Counts what a program's runs are fed: the size of one dimension of one input. */
function countFeeds({ program }: BoundProgram, input: string, axis: number): () => number {
  const run = vi.spyOn(program, "run");
  return () => {
    const sizes = run.mock.calls.map(([feeds]) => feeds[input].dims[axis]);
    run.mockClear();
    return sizes.reduce((sum, size) => sum + size, 0);
  };
}

test("a further turn computes only what is new and answers as from the start", async () => {
  const engine = fresh();
  const [, start] = prompts();
  const first = await answerOf(engine, start, greedy);
  const replied = { ...start, ids: [...start.ids, ...first.ids] };
  const cached = replied.ids.length - 1;
  const { layers, keyValueHeads, headDim } = model.config.language;
  expect(engine.statistics.prefixCache.bytes / (2 * 4 * layers * keyValueHeads * headDim)).toBe(cached);
  const turns: [Prompt, number][] = [
    [{ ...start, ids: [...replied.ids, ...words(7, 9)] }, cached],
    [{ ids: [...replied.ids, ...slots, 7], pictures: [pictures[0], pictures[2]] }, cached + 1],
    [{ ids: [...replied.ids, ...slots, 7], pictures: [pictures[1], pictures[2]] }, 12],
    [start, start.ids.length - 1],
  ];
  const expected = [];
  for (const [prompt] of turns) expected.push(await answerOf(fresh(), prompt, greedy));
  const counts = [false, true].map(async (visual) =>
    countFeeds(await model.prefillProgram(visual), "input_ids", 1),
  );
  const prefilled = async (): Promise<number> => (await counts[0])() + (await counts[1])();
  for (const [i, [prompt, reused]] of turns.entries()) {
    await prefilled();
    expect(await answerOf(engine, prompt, greedy)).toEqual(expected[i]);
    expect(await prefilled()).toBe(prompt.ids.length - reused);
    await answerOf(engine, replied, { ...greedy, maxNewTokens: 1 });
  }
});

test("a picture that comes again is not encoded again", async () => {
  const another = new LoadedModel(model.config, model.parameters, model.device);
  const encoded = countFeeds(await another.visionProgram(), "pixel_values", 0);
  const three = await another.visualTokens([pictures[0], pictures[1], pictures[0]]);
  const one = await another.visualTokens([pictures[0]]);
  expect(three.subarray(0, one.length)).toEqual(one);
  expect(three.subarray(-one.length)).toEqual(one);
  expect(encoded()).toBe(2);
  await another.close();
});

test("beams continue several prompts as each alone", async () => {
  const settings = { ...greedy, numBeams: 3, maxNewTokens: 6 };
  const alone = [];
  for (const prompt of prompts().slice(0, 3)) alone.push(await answerOf(fresh(), prompt, settings));
  expect(await together(prompts().slice(0, 3), settings)).toEqual(alone);
});

test("an answer can be ended before every token", async () => {
  const engine = Engine.offline(model, {
    textStream: () => ({ push: (id: number) => `${id} `, end: () => "" }),
  });
  const [, prompt] = prompts();
  const whole = await answerOf(engine, prompt, greedy);
  for (const tokens of [1, 2, 5]) {
    const stop = new AbortController();
    const pieces: string[] = [];
    const run = (async () => {
      for await (const piece of engine.generate({ prompt, settings: greedy, signal: stop.signal })) {
        pieces.push(piece.text);
        if (pieces.length === tokens) stop.abort(new Error("enough"));
      }
    })();
    await expect(run).rejects.toThrow("enough");
    expect(pieces.join("")).toBe(
      whole.ids
        .slice(0, tokens)
        .map((id) => `${id} `)
        .join(""),
    );
  }
  expect(await answerOf(engine, prompt, greedy)).toEqual(whole);
  await expect(answerOf(engine, prompt, greedy, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
});

test("answers asked for at the same time do not disturb each other", async () => {
  const engine = fresh();
  const alone = [];
  for (const prompt of prompts().slice(0, 3)) alone.push(await answerOf(fresh(), prompt, greedy));
  const both = await Promise.all(
    prompts()
      .slice(0, 3)
      .map((prompt) => answerOf(engine, prompt, greedy)),
  );
  expect(both).toEqual(alone);
});

test("a prompt that the model cannot take is told with all its problems", async () => {
  const wrong: Prompt = { ids: [1, 5000, -1, -1], pictures: [{ key: "x", pixels: new Float32Array(7) }] };
  const run = answerOf(fresh(), wrong, greedy);
  await expect(run).rejects.toThrow(/below 1024.*5000.*9 positions, got 2.*picture 1 must be 3 × 56 × 56/);
  await expect(answerOf(fresh(), { ids: [], pictures: [] }, greedy)).rejects.toThrow(/at least one token/);
  const long = { ids: words(3000, 1), pictures: [] };
  await expect(answerOf(fresh(), long, greedy)).rejects.toThrow(/2048 positions, got 3000/);
  await expect(answerOf(fresh(), long, greedy)).rejects.toMatchObject({
    ...{ name: "ContextLengthError", needed: 3000, available: 2048 },
  });
});

test("an answer ends at the model's longest sequence", async () => {
  const { maxPositions } = model.config.language;
  const prompt = { ids: [1, ...words(maxPositions - 4, 3)], pictures: [] };
  const answer = await answerOf(fresh(), prompt, greedy);
  const notes = [`The answer was cut: the model's ${maxPositions} positions are full.`];
  expect(answer).toMatchObject({ finishReason: "length", notes });
  expect(answer.ids).toHaveLength(4);
  const cut = await answerOf(fresh(), prompt, { ...greedy, maxNewTokens: 4 });
  const promptTokens = prompt.ids.length;
  expect(cut).toEqual({ ids: answer.ids, text: "", finishReason: "length", promptTokens });
});
