import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors, validateParameters } from "../../src/checkpoint/index.ts";
import { describeParameters, type Stage, traceForward } from "../../src/model/index.ts";
import { interpret } from "../../src/tensor/index.ts";
import {
  batchFeeds,
  largestDifference,
  lossAndGradients,
  readBatch,
  readLora,
  readModel,
  runGraph,
  worse,
} from "./run-model.ts";

const folder = fileURLToPath(new URL("../fixtures/model", import.meta.url));
const model = await readModel(folder);
const io = await readSafetensors(`${folder}/io.safetensors`);
const batch = readBatch(io);
const sizes = { batch: 2, tokens: 24, images: 2 };

test("the parameters the model asks for are those of the checkpoint, name by name and size by size", () => {
  validateParameters(describeParameters(model.config), new Map(Object.entries(model.weights)));
});

test("embeddings, logits and loss are the original code's", async () => {
  const graph = traceForward(model.config, sizes, ["inputs_embeds", "logits", "loss"]);
  const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
  expect(largestDifference(got.inputs_embeds, io.get("inputs_embeds")!)).toBeLessThan(1e-4);
  expect(Number(got.loss.data[0])).toBeCloseTo(Number(io.get("loss")!.data[0]), 4);
  const expected = io.get("logits")!.data;
  const { vocabulary } = model.config.language;
  const every4th = Array.from({ length: 12 }, (_, i) => Math.floor(i / 6) * 24 + (i % 6) * 4);
  let worst = 0;
  for (const [i, row] of every4th.entries()) {
    for (let v = 0; v < vocabulary; v++) {
      const got1 = Number(got.logits.data[row * vocabulary + v]);
      worst = worse(worst, Math.abs(got1 - Number(expected[i * vocabulary + v])));
    }
  }
  expect(worst).toBeLessThan(5e-4);
});

test("the meaning of the graph in float64 gives the same visual tokens", () => {
  const one = { ...batch, images: 1, rows: [batch.rows[0]], counts: [batch.counts[0]] };
  const graph = traceForward(model.config, { batch: 1, tokens: 24, images: 1 }, ["inputs_embeds"]);
  const pixels = io.get("pixel_values")!;
  const size = pixels.dims.slice(1);
  const first = { dims: [1, ...size], data: pixels.data.slice(0, pixels.data.length / 2) as Float32Array };
  const feeds = { ...model.weights, ...batchFeeds(one, model.config), pixel_values: first };
  const [{ data }] = interpret([graph.outputs.inputs_embeds], feeds);
  const expected = io.get("inputs_embeds")!.data;
  const worst = data.reduce((most, value, i) => worse(most, Math.abs(value - Number(expected[i]))), 0);
  expect(worst).toBeLessThan(1e-4);
});

interface GradientEntry {
  readonly norm: number;
  readonly largest: number;
  readonly stride: number;
  readonly entries: readonly number[];
}

type Expected = Record<string, { loss: number; gradients: Record<string, GradientEntry> }>;

describe("gradients", async () => {
  const expected: Expected = JSON.parse(readFileSync(`${folder}/gradients.json`, "utf8"));
  const lora = await readLora(`${folder}/lora.safetensors`);
  const withLora = { config: model.config, weights: { ...model.weights, ...lora } };

  test.each(["1", "2", "released", "full"] as Stage[])("of stage %s, every trained tensor", async (stage) => {
    const got = await lossAndGradients(withLora, batch, stage);
    expect(got.loss).toBeCloseTo(expected[stage].loss, 4);
    expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(expected[stage].gradients).sort());
    for (const [name, { norm, largest, stride, entries }] of Object.entries(expected[stage].gradients)) {
      const { data } = got.gradients[name];
      const scale = Math.max(largest, 1e-3);
      const differences = entries.map((value, i) => Math.abs(Number(data[i * stride]) - value) / scale);
      expect(differences.reduce(worse, 0), name).toBeLessThan(5e-4);
      const gotNorm = Math.hypot(...Array.from(data, Number));
      expect(Math.abs(gotNorm - norm) / Math.max(norm, 1e-3), name).toBeLessThan(5e-4);
    }
  });
});
