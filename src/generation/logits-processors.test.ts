import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../checkpoint/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import {
  frequencyPresencePenalties,
  type LogitsProcessor,
  logSoftmax,
  minP,
  noRepeatNgram,
  penaltiesOf,
  repetitionPenalty,
  softmax,
  temperature,
  topK,
  topP,
  warpersOf,
} from "./logits-processors.ts";
import { completeSettings } from "./settings.ts";

// Logits processors of the reference (transformers 4.28.1), each alone and in its chain.
const fixture = await readSafetensors(
  fileURLToPath(new URL("../../tests/fixtures/generation/sampler.safetensors", import.meta.url)),
);

function rowsOf(name: string): Float32Array[] {
  const tensor = fixture.get(name) as HostTensor<"float32">;
  const width = tensor.dims[1];
  return Array.from({ length: tensor.dims[0] }, (_, row) =>
    tensor.data.slice(row * width, (row + 1) * width),
  );
}

const history = fixture.get("sampler.history") as HostTensor<"int64">;
const histories = [0, 1].map((row) => Array.from(history.data.subarray(row * 8, row * 8 + 8), Number));

function applied(chain: readonly LogitsProcessor[], from = "sampler.logits"): Float32Array[] {
  const rows = rowsOf(from);
  for (const [row, scores] of rows.entries()) for (const process of chain) process(scores, histories[row]);
  return rows;
}

test.each<[string, LogitsProcessor]>([
  ["alone.no_repeat_ngram_1", noRepeatNgram(1)],
  ["alone.no_repeat_ngram_2", noRepeatNgram(2)],
  ["alone.no_repeat_ngram_3", noRepeatNgram(3)],
  ["alone.repetition_penalty_0.6", repetitionPenalty(0.6)],
  ["alone.repetition_penalty_1.2", repetitionPenalty(1.2)],
  ["alone.temperature_0.7", temperature(0.7)],
  ["alone.temperature_1.7", temperature(1.7)],
  ["alone.top_k_1", topK(1)],
  ["alone.top_k_100", topK(100)],
  ["alone.top_k_1_keep2", topK(1, 2)],
  ["alone.top_k_5", topK(5)],
  ["alone.top_p_0.01", topP(0.01)],
  ["alone.top_p_0.01_keep2", topP(0.01, 2)],
  ["alone.top_p_0.5", topP(0.5)],
  ["alone.top_p_0.9", topP(0.9)],
])("%s equals the reference bit for bit", (name, process) => {
  expect(applied([process])).toEqual(rowsOf(`sampler.${name}`));
});

test("of equal scores top-k keeps all and top-p the later ones", () => {
  expect(applied([topK(2)], "sampler.ties.logits")).toEqual(rowsOf("sampler.ties.top_k_2"));
  expect(applied([topP(0.3)], "sampler.ties.logits")).toEqual(rowsOf("sampler.ties.top_p_0.3"));
});

test("the chain of all settings has the reference's order and values", () => {
  const settings = completeSettings({
    doSample: true,
    repetitionPenalty: 1.2,
    noRepeatNgramSize: 2,
    temperature: 0.7,
    topK: 5,
    topP: 0.9,
  });
  const chain = [...penaltiesOf(settings), ...warpersOf(settings)];
  const names = ["repetition_penalty_1.2", "no_repeat_ngram_2", "temperature_0.7", "top_k_5", "top_p_0.9"];
  for (const [step, name] of names.entries()) {
    expect(applied(chain.slice(0, step + 1)), name).toEqual(rowsOf(`sampler.chain.${name}`));
  }
  expectClose(applied(chain).map(softmax), rowsOf("sampler.chain.probs"));
});

test("the web demo's settings give the reference's probabilities", () => {
  const settings = completeSettings({ doSample: true, noRepeatNgramSize: 2, topK: 3, topP: 0.9 });
  const chain = [...penaltiesOf(settings), ...warpersOf(settings)];
  expectClose(applied(chain).map(softmax), rowsOf("sampler.webdemo.probs"));
});

test("penalties by counts are OpenAI's: frequency for every time, presence once, BOS not at all", () => {
  const scores = Float32Array.of(1, 2, 3, -4, 5);
  frequencyPresencePenalties(0.5, 0.25)(scores, [1, 2, 3, 2, 2]);
  expect(Array.from(scores)).toEqual([1, 2, 3 - 3 * 0.5 - 0.25, -4 - 0.5 - 0.25, 5]);
  const settings = completeSettings({ presencePenalty: -2, temperature: 2, doSample: true });
  const chained = Float32Array.of(0, 4);
  for (const process of [...penaltiesOf(settings), ...warpersOf(settings)]) process(chained, [0, 1]);
  expect(Array.from(chained)).toEqual([0, (4 + 2) / 2]);
});

test.each([
  [0.02, 1],
  [0.1, 1],
  [0.5, 1],
  [0.9, 3],
  [1, 1],
  [1, 2],
])("min-p %d keeps what reaches that share of the highest probability, and at least %i", (p, kept) => {
  const got = applied([minP(p, kept)]);
  for (const [row, scores] of rowsOf("sampler.logits").entries()) {
    const ranked = Array.from(scores, Number).sort((a, b) => b - a);
    // The ratio of two probabilities is that of their exponentials, here in float64.
    const wanted = Array.from(scores, (score) =>
      Math.exp(score - ranked[0]) >= p || score >= ranked[kept - 1] ? score : -Infinity,
    );
    expect(Array.from(got[row])).toEqual(wanted);
  }
});

test("min-p comes after temperature and top-p", () => {
  const logits = [0.5, 0.2, 0.15, 0.1, 0.05].map(Math.log);
  const keptBy = (given: object): number[] => {
    const scores = Float32Array.from(logits);
    const settings = completeSettings({ doSample: true, ...given });
    for (const process of warpersOf(settings)) process(scores, [0]);
    return Array.from(scores.keys()).filter((i) => scores[i] > -Infinity);
  };
  expect(keptBy({ minP: 0.25 })).toEqual([0, 1, 2]);
  // First, it would leave top-p 0.5, 0.2 and 0.15, of which the last is more than 0.8 needs.
  expect(keptBy({ minP: 0.25, topP: 0.8 })).toEqual([0, 1, 2]);
  // Temperature 2 takes the square root of the ratio: 0.1 / 0.5 becomes 0.447.
  expect(keptBy({ minP: 0.35 })).toEqual([0, 1]);
  expect(keptBy({ minP: 0.35, temperature: 2 })).toEqual([0, 1, 2, 3]);
});

test("log softmax sums to one and keeps the order", () => {
  const scores = Float32Array.of(1, -2, 1000, 998);
  logSoftmax(scores);
  expect(scores.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 6);
  expect(scores[2] - scores[3]).toBeCloseTo(2, 5);
});

function expectClose(got: Float32Array[], wanted: Float32Array[]): void {
  for (const [row, values] of wanted.entries()) {
    for (const [i, value] of values.entries()) expect(Math.abs(got[row][i] - value)).toBeLessThan(1e-7);
  }
}

test("a temperature so small that scores overflow leaves the best tokens, not a distribution of no numbers", () => {
  for (const value of [1e-38, 1e-40, 5e-324]) {
    for (const [scores, best] of [
      [
        [3, 12, 12, -5],
        [0, 0.5, 0.5, 0],
      ],
      [
        [-8, -2, -9],
        [0, 1, 0],
      ],
      [
        [0, -1],
        [1, 0],
      ],
      [
        [-Infinity, 4],
        [0, 1],
      ],
    ]) {
      const row = Float32Array.from(scores);
      temperature(value)(row, []);
      expect([...softmax(row)], `${value} ${scores}`).toEqual(best);
    }
  }
});
