import { describe, expect, test } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  cacheSizes,
  describeParameters,
  releasedLora,
  stageScope,
  traceDecode,
  traceForward,
  traceLoss,
  tracePrefill,
  traceVision,
  trainedParameters,
} from "../../src/model/index.ts";
import { microConfig, randomNumbers, randomParameters } from "../../src/model/testing/micro.ts";
import { allocate, float32, type HostTensor, int32, int64 } from "../../src/tensor/index.ts";
import { batchFeeds, largestDifference, requireReference, runGraph, type Values } from "./run-model.ts";

// Grouped-query attention, a head size of its own, odd widths: nothing may be tuned to the fixtures' sizes.
const { language, vision } = microConfig;
const perImage = microConfig.numQueryTokens + 1;
const pictures = (count: number): HostTensor => {
  const dims = [count, 3, vision.imageSize, vision.imageSize];
  return float32(randomNumbers(count * 3 * vision.imageSize ** 2, 1, 5), dims);
};
const visualRun = new Array<number>(perImage).fill(-1);
const batch = {
  rows: [
    [1, ...visualRun, 5, 6, 2],
    [1, 9, 8, 7, ...visualRun],
  ],
  counts: [
    [0, 0, 0, 0, 0, 1, 1, 1],
    [0, 0, 1, 0, 0, 0, 0, 0],
  ],
  images: 2,
  pixels: { pixel_values: pictures(2) },
};

describe("ONNX Runtime computes what the graphs mean", () => {
  test("forward", async () => {
    const wanted = ["vision.last_hidden_state", "abstractor.last_hidden_state", "logits", "loss"] as const;
    const graph = traceForward(microConfig, { batch: 2, tokens: 8, images: 2 }, wanted);
    const weights = randomParameters(describeParameters(microConfig));
    await requireReference(graph, { ...weights, ...batchFeeds(batch, microConfig) });
  });

  test.each(["1", "2", "full"] as const)("gradients of stage %s", async (stage) => {
    const lora = { ...releasedLora(microConfig.language), rank: 2, alpha: 6 };
    const scope = stageScope(stage, lora);
    const weights = randomParameters(describeParameters(microConfig, stageScope(stage, lora)));
    const { loss } = traceLoss(microConfig, { batch: 2, tokens: 8, images: 2, lossRows: 6 }, scope);
    const trained = trainedParameters(scope);
    const found = gradients(loss, [...trained.values()]);
    const outputs = Object.fromEntries(
      [...trained.keys()].map((name, i) => [`gradient of ${name}`, found[i]]),
    );
    const feeds = { ...weights, ...batchFeeds(batch, microConfig, 6) };
    await requireReference({ name: "gradients", outputs: { loss, ...outputs } }, feeds);
  });
});

describe("prefill and decode over a KV cache", () => {
  const weights = randomParameters(describeParameters(microConfig));
  const capacity = 16;
  const prompts = [
    [1, ...visualRun, 5],
    [1, 7, ...visualRun, 9, 8],
  ];
  const answers = [
    [4, 11, 3],
    [3, 2, 12],
  ];

  /** The last rows of logits of a whole sequence, computed without a cache. */
  async function whole(row: readonly number[], image: number): Promise<Float32Array> {
    const size = 3 * vision.imageSize ** 2;
    const pixels = pictures(2).data.slice(image * size, (image + 1) * size) as Float32Array;
    const own = float32(pixels, [1, 3, vision.imageSize, vision.imageSize]);
    const one = { rows: [[...row]], counts: [row.map(() => 0)], images: 1, pixels: { pixel_values: own } };
    const graph = traceForward(microConfig, { batch: 1, tokens: row.length, images: 1 }, ["logits"]);
    const { logits } = await runGraph(graph, { ...weights, ...batchFeeds(one, microConfig) });
    return logits.data as Float32Array;
  }

  function emptyCaches(rows: number): Values {
    const { keyValueHeads, headDim } = cacheSizes(language);
    const dims = [rows, keyValueHeads, capacity, headDim];
    const names = Array.from({ length: language.layers }, (_, i) => [`past_key.${i}`, `past_value.${i}`]);
    return Object.fromEntries(names.flat().map((name) => [name, allocate("float32", dims)]));
  }

  const nextCaches = (results: Values): Values =>
    Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => name.startsWith("present_"))
        .map(([name, value]) => [name.replace("present_", "past_"), value]),
    );

  async function prefill(rows: readonly number[][], visual: HostTensor, caches: Values, start: number) {
    const longest = Math.max(...rows.map((row) => row.length));
    const padded = rows.map((row) => [...row, ...new Array<number>(longest - row.length).fill(0)]);
    const images = visual.dims[0];
    const tokens = batchFeeds(
      { rows: padded, counts: padded.map((row) => row.map(() => 0)), images, pixels: {} },
      microConfig,
    );
    const last = rows.map((row) => row.length - 1);
    const flat = { ...visual, dims: [images * perImage, language.hidden] };
    return runGraph(tracePrefill(microConfig, { pictures: images > 0 }), {
      ...weights,
      ...caches,
      ...tokens,
      visual: flat,
      logit_positions: int64(
        last.flatMap((position, b) => [b, position]),
        [rows.length, 2],
      ),
      last_position: int32(
        last.map((position) => start + position),
        [rows.length],
      ),
      total_length: int32([start + longest], [1]),
    });
  }

  async function decode(tokens: readonly number[], caches: Values, last: readonly number[]) {
    const rows = tokens.length;
    return runGraph(traceDecode(microConfig), {
      ...weights,
      ...caches,
      input_ids: int64(tokens, [rows, 1]),
      last_position: int32(last, [rows]),
      total_length: int32([Math.max(...last) + 1], [1]),
    });
  }

  test("equal the uncached forward pass, for rows of unequal length with pictures", async () => {
    const { visual } = await runGraph(traceVision(microConfig), { ...weights, pixel_values: pictures(2) });
    let step = await prefill(prompts, visual, emptyCaches(2), 0);
    const got = [step.logits];
    for (let i = 0; i < 3; i++) {
      const tokens = answers.map((answer) => answer[i]);
      const last = prompts.map((prompt) => prompt.length + i);
      step = await decode(tokens, nextCaches(step), last);
      got.push(step.logits);
    }
    const { vocabulary } = language;
    for (const [b, prompt] of prompts.entries()) {
      const expected = await whole([...prompt, ...answers[b]], b);
      for (const [i, logits] of got.entries()) {
        const from = (prompt.length - 1 + i) * vocabulary;
        const row = (data: Float32Array, at: number) =>
          float32(data.slice(at, at + vocabulary), [vocabulary]);
        const mine = row(logits.data as Float32Array, b * vocabulary);
        expect(largestDifference(mine, row(expected, from)), `row ${b} step ${i}`).toBeLessThan(1e-5);
      }
    }
  });

  test("a further turn continues the cache with several tokens at once", async () => {
    const one = pictures(1);
    const { visual } = await runGraph(traceVision(microConfig), { ...weights, pixel_values: one });
    const first = await prefill([prompts[0]], visual, emptyCaches(1), 0);
    const nothing = float32([], [0, perImage, language.hidden]);
    const turn = [7, 8, 9, 10];
    const second = await prefill([turn], nothing, nextCaches(first), prompts[0].length);
    const expected = await whole([...prompts[0], ...turn], 0);
    const last = float32(expected.slice(-language.vocabulary), [1, language.vocabulary]);
    expect(largestDifference(second.logits, last)).toBeLessThan(1e-5);
  });
});
