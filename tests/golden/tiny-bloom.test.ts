import { describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { traceForward } from "../../src/model/index.ts";
import type { HostTensor } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import {
  batchFeeds,
  largestDifference,
  type Model,
  numbersOf,
  readBatch,
  readModel,
  runGraph,
} from "./run-model.ts";

// Tolerances of the fixture's README.
const HIDDEN = 1e-4;
const LOGITS = 5e-4;
const LOSS = 1e-4;

/** The columns of the logits that the fixture keeps: every fourth. */
function everyFourth({ dims: [batch, tokens, vocabulary], data }: HostTensor): HostTensor {
  const kept = (data as Float32Array).filter((_, i) => (i % vocabulary) % 4 === 0);
  return { dtype: "float32", dims: [batch, tokens, vocabulary / 4], data: kept };
}

function bestColumns({ dims, data }: HostTensor): number[] {
  const vocabulary = dims[2];
  return Array.from({ length: data.length / vocabulary }, (_, row) => {
    const scores = (data as Float32Array).subarray(row * vocabulary, (row + 1) * vocabulary);
    return scores.indexOf(Math.max(...scores));
  });
}

describe.skipIf(!sharedAvailable)("the tiny multilingual model against the original code", async () => {
  const folder = "golden/tiny-bloom";
  const model: Model = sharedAvailable
    ? await readModel(shared(folder))
    : { config: {} as Model["config"], weights: {} };
  const io: StateDict = sharedAvailable
    ? await readSafetensors(shared(`${folder}/io.safetensors`))
    : new Map();

  test.each([
    "c_one_image",
    "c_two_images",
    "c_text_only",
    "c_batch_1_and_2",
  ])("%s: embeddings, hidden states, logits and loss", async (name) => {
    const batch = readBatch(io, `${name}.in.`);
    const { rows, images } = batch;
    const wanted = ["inputs_embeds", "hidden", "logits", "loss"] as const;
    const graph = traceForward(model.config, { batch: rows.length, tokens: rows[0].length, images }, wanted);
    const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
    const expected = (what: string): HostTensor => io.get(`${name}.${what}`)!;
    expect(largestDifference(got.inputs_embeds, expected("inputs_embeds"))).toBeLessThan(HIDDEN);
    expect(largestDifference(got.hidden, expected("hidden"))).toBeLessThan(HIDDEN);
    expect(Math.abs(numbersOf(got.loss)[0] - numbersOf(expected("loss"))[0])).toBeLessThan(LOSS);
    if (io.has(`${name}.logits`)) {
      expect(largestDifference(got.logits, expected("logits"))).toBeLessThan(LOGITS);
    } else {
      expect(largestDifference(everyFourth(got.logits), expected("logits_cols"))).toBeLessThan(LOGITS);
      expect(bestColumns(got.logits)).toEqual(numbersOf(expected("logits_argmax")));
    }
  });
});
