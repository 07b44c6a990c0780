import { describe, expect, test } from "vitest";
import { type Float64Tensor, type Graph, interpret, rootScope, type TensorLike } from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { lossFeeds, tokenFeeds } from "./feeds.ts";
import { traceDecode, tracePrefill, traceVision } from "./inference.ts";
import { cacheSizes } from "./language/cached-attention.ts";
import { releasedLora } from "./lora.ts";
import { type ForwardOutput, traceForward, traceLoss } from "./owl.ts";
import type { OwlConfig } from "./owl-config.ts";
import { describeParameters } from "./parameters.ts";
import { stageScope } from "./stages.ts";
import { microConfig, randomNumbers, randomParameters } from "./testing/micro.ts";
import { tokensPerImage } from "./visual-abstractor.ts";

const weights = randomParameters(describeParameters(microConfig));
const { imageSize } = microConfig.vision;
const perImage = tokensPerImage(microConfig);
const visualRun = new Array<number>(perImage).fill(-1);

const pixels = (images: number): TensorLike => ({
  dims: [images, 3, imageSize, imageSize],
  data: randomNumbers(images * 3 * imageSize ** 2, 1, 99),
});

function run(graph: Graph, feeds: Record<string, TensorLike>): Record<string, Float64Tensor> {
  const names = Object.keys(graph.outputs);
  const values = interpret(Object.values(graph.outputs), feeds);
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}

interface Forward {
  readonly images: number;
  readonly counts?: readonly (readonly number[])[];
  readonly pixels?: TensorLike;
  readonly weights?: Record<string, TensorLike>;
  readonly config?: OwlConfig;
}

function forward(
  rows: readonly (readonly number[])[],
  outputs: readonly ForwardOutput[],
  options: Forward,
): Record<string, Float64Tensor> {
  const { images, config = microConfig } = options;
  const graph = traceForward(config, { batch: rows.length, tokens: rows[0].length, images }, outputs);
  const counts = options.counts ?? rows.map((row) => row.map(() => 0));
  return run(graph, {
    ...(options.weights ?? weights),
    ...tokenFeeds(rows, images * perImage),
    ...lossFeeds(rows, counts).feeds,
    pixel_values: options.pixels ?? pixels(images),
  });
}

/** Row `index` of the first axis. */
function at(x: Float64Tensor, index: number): Float64Tensor {
  const width = x.data.length / x.dims[0];
  return { dims: x.dims.slice(1), data: x.data.slice(index * width, (index + 1) * width) };
}

describe("splicing", () => {
  test("two pictures side by side are two pictures, each in its own positions", () => {
    const rows = [[1, ...visualRun, ...visualRun, 5]];
    const names = ["abstractor.last_hidden_state", "inputs_embeds"] as const;
    const { "abstractor.last_hidden_state": visual, inputs_embeds } = forward(rows, names, { images: 2 });
    const hidden = microConfig.language.hidden;
    const spliced = inputs_embeds.data.slice(hidden, (1 + 2 * perImage) * hidden);
    expect([...spliced]).toEqual([...visual.data]);
  });

  test("text around the pictures keeps its embeddings", () => {
    const rows = [[3, ...visualRun, 5]];
    const { inputs_embeds } = forward(rows, ["inputs_embeds"], { images: 1 });
    const table = weights["language_model.model.embed_tokens.weight"].data as Float32Array;
    const hidden = microConfig.language.hidden;
    expect([...inputs_embeds.data.slice(0, hidden)]).toEqual([...table.slice(3 * hidden, 4 * hidden)]);
    expect([...inputs_embeds.data.slice(-hidden)]).toEqual([...table.slice(5 * hidden, 6 * hidden)]);
  });
});

test("a batch changes nothing for its rows", () => {
  const rows = [
    [1, ...visualRun, 5, 6, 2, 0, 0],
    [1, 9, 8, 7, 6, ...visualRun, 3],
  ];
  const { logits } = forward(rows, ["logits"], { images: 2 });
  const width = 3 * imageSize ** 2;
  for (const [b, row] of rows.entries()) {
    const own = (pixels(2).data as number[]).slice(b * width, (b + 1) * width);
    const picture = { dims: [1, 3, imageSize, imageSize], data: own };
    const alone = forward([row], ["logits"], { images: 1, pixels: picture });
    requireClose(`row ${b}`, at(logits, b), at(alone.logits, 0), 1e-12);
  }
});

describe("the loss", () => {
  const rows = [
    [1, ...visualRun, 5, 6, 2],
    [1, 9, 8, 7, 6, 3, 12, 4],
  ];
  const counts = [
    [0, 0, 0, 0, 0, 0, 1, 1],
    [0, 0, 0, 1, 0, 0, 1, 1],
  ];

  test("is the mean of −log p over counted tokens", () => {
    const { loss, logits } = forward(rows, ["loss", "logits"], { images: 1, counts });
    const vocabulary = microConfig.language.vocabulary;
    let sum = 0;
    for (const [b, row] of rows.entries()) {
      for (const [t, id] of row.entries()) {
        if (!counts[b][t]) continue;
        const start = (b * row.length + t - 1) * vocabulary;
        const scores = logits.data.slice(start, start + vocabulary);
        sum += Math.log(scores.reduce((total, score) => total + Math.exp(score), 0)) - scores[id];
      }
    }
    expect(loss.data[0]).toBeCloseTo(sum / 5, 6);
  });

  test("is the same where the head is computed for the rows that count alone", () => {
    const { loss } = forward(rows, ["loss"], { images: 1, counts });
    const sizes = { batch: 2, tokens: 8, images: 1, lossRows: 7 };
    const picked = traceLoss(microConfig, sizes, rootScope());
    const feeds = { ...weights, ...tokenFeeds(rows, perImage), ...lossFeeds(rows, counts, 7).feeds };
    const [value] = interpret([picked.loss], { ...feeds, pixel_values: pixels(1) });
    expect(value.data[0]).toBeCloseTo(loss.data[0], 12);
  });

  test("is 0 where every token is masked", () => {
    expect(forward(rows, ["loss"], { images: 1 }).loss.data[0]).toBe(0);
  });
});

describe("a KV cache", () => {
  const language = microConfig.language;
  const capacity = 12;
  const prompts = [
    [1, ...visualRun, 5],
    [1, 7, ...visualRun, 9, 8],
  ];
  const answers = [
    [4, 11],
    [3, 2],
  ];
  const emptyCache = (batch: number): TensorLike => {
    const { keyValueHeads, headDim } = cacheSizes(language);
    const dims = [batch, keyValueHeads, capacity, headDim];
    return { dims, data: new Float64Array(dims.reduce((product, size) => product * size, 1)) };
  };
  const pasts = (present?: Record<string, Float64Tensor>): Record<string, TensorLike> =>
    Object.fromEntries(
      Array.from({ length: language.layers }, (_, i) =>
        ["key", "value"].map((part): [string, TensorLike] => [
          `past_${part}.${i}`,
          present?.[`present_${part}.${i}`] ?? emptyCache(2),
        ]),
      ).flat(),
    );
  const numbers = (...data: number[]): TensorLike => ({ dims: [data.length], data });

  test("gives the same logits as whole sequences, for rows of unequal length", () => {
    const longest = Math.max(...prompts.map((row) => row.length));
    const padded = prompts.map((row) => [...row, ...new Array<number>(longest - row.length).fill(0)]);
    const { visual } = run(traceVision(microConfig), { ...weights, pixel_values: pixels(2) });
    const rows = { dims: [2 * perImage, language.hidden], data: visual.data };
    const last = prompts.map((row) => row.length - 1);
    let step = run(tracePrefill(microConfig, { pictures: true }), {
      ...weights,
      ...tokenFeeds(padded, 2 * perImage),
      ...pasts(),
      visual: rows,
      logit_positions: { dims: [2, 2], data: last.flatMap((position, b) => [b, position]) },
      last_position: numbers(...last),
      total_length: numbers(longest),
    });
    const got = [step.logits];
    for (let i = 0; i < 2; i++) {
      step = run(traceDecode(microConfig), {
        ...weights,
        ...pasts(step),
        input_ids: { dims: [2, 1], data: answers.map((answer) => answer[i]) },
        last_position: numbers(...last.map((position) => position + i + 1)),
        total_length: numbers(longest + i + 1),
      });
      got.push(step.logits);
    }
    for (const [b, prompt] of prompts.entries()) {
      const row = [...prompt, ...answers[b]];
      const width = 3 * imageSize ** 2;
      const own = (pixels(2).data as number[]).slice(b * width, (b + 1) * width);
      const picture = { dims: [1, 3, imageSize, imageSize], data: own };
      const whole = at(forward([row], ["logits"], { images: 1, pixels: picture }).logits, 0);
      for (const [i, logits] of got.entries()) {
        const flat = { dims: [language.vocabulary], data: at(logits, b).data };
        requireClose(`row ${b}, step ${i}`, flat, at(whole, prompt.length - 1 + i), 1e-12);
      }
    }
  });
});

test("grouped-query attention equals a model whose key and value heads are repeated", () => {
  const { heads, keyValueHeads, headDim, hidden } = microConfig.language;
  const repeated = { ...weights };
  for (const name of Object.keys(weights).filter((key) => /[kv]_proj\.weight$/.test(key))) {
    const shared = weights[name].data as Float32Array;
    const block = headDim * hidden;
    const data = Array.from({ length: heads }, (_, head) => {
      const from = Math.floor((head * keyValueHeads) / heads);
      return [...shared.slice(from * block, (from + 1) * block)];
    }).flat();
    repeated[name] = { dtype: "float32", dims: [heads * headDim, hidden], data: Float32Array.from(data) };
  }
  const config = { ...microConfig, language: { ...microConfig.language, keyValueHeads: heads } };
  const rows = [[1, 4, 6, 8, 3]];
  const { logits } = forward(rows, ["logits"], { images: 0 });
  const wide = forward(rows, ["logits"], { images: 0, config, weights: repeated });
  requireClose("logits", logits, wide.logits, 1e-12);
});

test("a LoRA computes what its merged weight computes", () => {
  const sizes = { batch: 1, tokens: 5, images: 0 };
  const scope = stageScope("released", { ...releasedLora(microConfig.language), rank: 2, alpha: 6 });
  const graph = traceForward(microConfig, sizes, ["logits"], scope);
  const added = describeParameters(
    microConfig,
    stageScope("released", { ...releasedLora(microConfig.language), rank: 2, alpha: 6 }),
  );
  const low = randomParameters(added.filter(({ module }) => module === "LoRA"));
  expect(Object.keys(low)).toHaveLength(4 * microConfig.language.layers);
  const merged = { ...weights };
  for (const name of Object.keys(low).filter((key) => key.endsWith("lora_A.weight"))) {
    const weight = name.replace("lora_A.weight", "weight");
    const a = low[name];
    const b = low[name.replace("lora_A", "lora_B")];
    const [out, width] = merged[weight].dims;
    const data = Float32Array.from(merged[weight].data as Float32Array, (value, i) => {
      const [o, w] = [Math.floor(i / width), i % width];
      let sum = 0;
      for (let r = 0; r < 2; r++) sum += Number(b.data[o * 2 + r]) * Number(a.data[r * width + w]);
      return value + 3 * sum;
    });
    merged[weight] = { dtype: "float32", dims: [out, width], data };
  }
  const rows = [[1, 4, 6, 8, 3]];
  const { logits } = run(graph, { ...weights, ...low, ...tokenFeeds(rows, 0) });
  requireClose("logits", logits, forward(rows, ["logits"], { images: 0, weights: merged }).logits, 1e-6);
});

test("tied embeddings are one parameter", () => {
  const config = { ...microConfig, language: { ...microConfig.language, tiedEmbeddings: true } };
  const names = describeParameters(config).map(({ name }) => name);
  expect(names).toContain("language_model.model.embed_tokens.weight");
  expect(names).not.toContain("language_model.lm_head.weight");
});
