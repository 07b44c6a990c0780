import { describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { pixelInput, traceForward, visionEncoder, visualAbstractor } from "../../src/model/index.ts";
import { type HostTensor, rootScope } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import {
  type Batch,
  batchFeeds,
  largestDifference,
  type Model,
  numbersOf,
  readBatch,
  readModel,
  runGraph,
  type Values,
  worse,
} from "./run-model.ts";

const HIDDEN = 1e-4;
const LOGITS = 5e-4;
const LOSS = 1e-4;

function part(tensor: HostTensor, axis1Start: number, axis1End: number): number[] {
  const [, rows, width] = tensor.dims;
  if (tensor.dims[0] !== 1 || axis1End > rows) throw new RangeError("one batch row, positions inside it");
  return numbersOf(tensor).slice(axis1Start * width, axis1End * width);
}

function farthest(a: readonly number[], b: readonly number[]): number {
  return a.reduce((most, value, i) => worse(most, Math.abs(value - b[i])), 0);
}

async function forward(model: Model, batch: Batch): Promise<Values> {
  const sizes = { batch: batch.rows.length, tokens: batch.rows[0].length, images: batch.images };
  const wanted = ["abstractor.last_hidden_state", "inputs_embeds", "hidden", "logits", "loss"] as const;
  const graph = traceForward(model.config, sizes, wanted);
  return runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
}

function rowsOfLogits(logits: HostTensor): Float32Array[] {
  const [batch, tokens, vocabulary] = logits.dims;
  const data = logits.data as Float32Array;
  return Array.from({ length: batch * tokens }, (_, row) =>
    data.subarray(row * vocabulary, (row + 1) * vocabulary),
  );
}

function indexOfLargest(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

function logSumExp(row: Float32Array): number {
  const most = row[indexOfLargest(row)];
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i] - most);
  return most + Math.log(sum);
}

function requireLogits(logits: HostTensor, expected: (name: string) => HostTensor, columns: number[]): void {
  const rows = rowsOfLogits(logits);
  const cols = numbersOf(expected("logits_cols"));
  const picked = rows.flatMap((row) => columns.map((column) => row[column]));
  expect(farthest(cols, picked)).toBeLessThan(LOGITS);
  expect(farthest(numbersOf(expected("logits_lse")), rows.map(logSumExp))).toBeLessThan(LOGITS);
  expect(rows.map(indexOfLargest)).toEqual(numbersOf(expected("logits_argmax")));
}

describe.skipIf(!sharedAvailable)("the tiny model against the original code", async () => {
  const model: Model = sharedAvailable
    ? await readModel(shared("golden/tiny-image"))
    : { config: {} as Model["config"], weights: {} };
  const io: StateDict = sharedAvailable
    ? await readSafetensors(shared("golden/tiny-image/io.safetensors"))
    : new Map();
  const columns = sharedAvailable ? numbersOf(io.get("logits_cols_index")!) : [];

  test("vision: every layer's hidden states; abstractor: every layer, and the visual tokens", async () => {
    const scope = rootScope();
    const pixels = pixelInput(model.config, 3);
    const vision = visionEncoder(scope.at("vision_model"), pixels, model.config.vision);
    const abstractor = visualAbstractor(scope, vision.lastHiddenState, model.config);
    const outputs = Object.fromEntries([
      ...vision.hiddenStates.map((state, i) => [`vision.hidden_states.${i}`, state]),
      ["vision.last_hidden_state", vision.lastHiddenState],
      ...abstractor.layers.map((state, i) => [`abstractor.layer.${i}`, state]),
      ["abstractor.last_hidden_state", abstractor.lastHiddenState],
    ]);
    const feeds = { ...model.weights, pixel_values: io.get("vision.pixel_values")! };
    const got = await runGraph({ name: "vision", outputs }, feeds);
    expect(Object.keys(got)).toHaveLength(8);
    for (const [name, value] of Object.entries(got)) {
      expect(largestDifference(value, io.get(name)!), name).toBeLessThan(HIDDEN);
    }
  });

  test.each([
    "c_one_image",
    "c_two_images",
    "c_text_only",
    "c_batch_1_and_2",
    "c_batch_text_and_image",
    "c_text_short_full",
  ])("%s: embeddings, hidden states, logits and loss", async (name) => {
    const got = await forward(model, readBatch(io, `${name}.in.`));
    const expected = (what: string): HostTensor => io.get(`${name}.${what}`)!;
    expect(largestDifference(got.inputs_embeds, expected("inputs_embeds"))).toBeLessThan(HIDDEN);
    expect(largestDifference(got.hidden, expected("hidden"))).toBeLessThan(HIDDEN);
    expect(Math.abs(numbersOf(got.loss)[0] - numbersOf(expected("loss"))[0])).toBeLessThan(LOSS);
    if (io.has(`${name}.logits`)) {
      expect(largestDifference(got.logits, expected("logits"))).toBeLessThan(LOGITS);
    } else {
      requireLogits(got.logits, expected, columns);
    }
  });

  test.each([
    "fp16",
    "bf16",
    "torch-bin",
  ])("the %s variant, widened: embeddings, loss, logits and best tokens of every 4th position", async (name) => {
    const variant = await readModel(shared(`golden/tiny-image/${name}`));
    const variants = await readSafetensors(shared("golden/tiny-image/variants-io.safetensors"));
    const got = await forward(variant, readBatch(variants));
    const expected = (what: string): HostTensor => variants.get(`${name}.${what}`)!;
    expect(largestDifference(got.inputs_embeds, expected("inputs_embeds"))).toBeLessThan(HIDDEN);
    expect(Math.abs(numbersOf(got.loss)[0] - numbersOf(expected("loss"))[0])).toBeLessThan(LOSS);
    const every4th = rowsOfLogits(got.logits).filter((_, row) => (row % 24) % 4 === 0);
    const wanted = rowsOfLogits(expected("logits"));
    expect(every4th.map(indexOfLargest)).toEqual(wanted.map(indexOfLargest));
    const numbers = (rows: Float32Array[]): number[] => rows.flatMap((row) => [...row]);
    expect(farthest(numbers(wanted), numbers(every4th))).toBeLessThan(LOGITS);
  });

  test("c_all_masked_nan: the original's loss is NaN, ours is 0; all else agrees", async () => {
    const got = await forward(model, readBatch(io, "c_all_masked_nan.in."));
    const expected = (what: string): HostTensor => io.get(`c_all_masked_nan.${what}`)!;
    expect(numbersOf(expected("loss"))).toEqual([Number.NaN]);
    expect(numbersOf(got.loss)).toEqual([0]);
    expect(largestDifference(got.hidden, expected("hidden"))).toBeLessThan(HIDDEN);
    requireLogits(got.logits, expected, columns);
  });

  test("c_adjacent_images_quirk: the original loses the second of two adjacent pictures, ours has both", async () => {
    const batch = readBatch(io, "c_adjacent_images_quirk.in.");
    const got = await forward(model, batch);
    const expected = (what: string): HostTensor => io.get(`c_adjacent_images_quirk.${what}`)!;
    const start = batch.rows[0].indexOf(-1);
    const visual = numbersOf(got["abstractor.last_hidden_state"]);
    expect(part(got.inputs_embeds, start, start + 18)).toEqual(visual);
    // Up to the end of the first picture nothing can differ, and behind the second the text is the same text.
    const before = [0, start + 9] as const;
    const after = [start + 18, batch.rows[0].length] as const;
    for (const [from, to] of [before, after]) {
      const [ours, theirs] = [got.inputs_embeds, expected("inputs_embeds")].map((x) => part(x, from, to));
      expect(farthest(ours, theirs)).toBeLessThan(HIDDEN);
    }
    expect(farthest(part(got.hidden, ...before), part(expected("hidden"), ...before))).toBeLessThan(HIDDEN);
  });
});
