import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { xoshiro128 } from "../primitives/index.ts";
import { BeamSearch } from "./beam-search.ts";
import { logSoftmax } from "./logits-processors.ts";
import { completeSettings, type GenerationSettings, settingsFromJson } from "./settings.ts";

/**
 * Beam searches of the reference on its tiny model: what they found, and for each run of new tokens that a beam
 * reached the 16 best next tokens with their log probabilities (id, value, id, value, …).
 */
interface Recorded {
  readonly cases: readonly {
    readonly name: string;
    readonly settings: object;
    readonly hypotheses: readonly { readonly ids: readonly number[]; readonly score: number }[];
  }[];
  readonly best: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

const recorded: Recorded = JSON.parse(
  readFileSync(new URL("../../tests/fixtures/generation/beams.json", import.meta.url), "utf8"),
);

/** Log probabilities [32000]: the recorded ones, the rest shared evenly among all other tokens. */
function recordedLogits(best: readonly number[]): Float32Array {
  const known = best.filter((_, i) => i % 2 === 1);
  const rest = 1 - known.reduce((sum, value) => sum + Math.exp(value), 0);
  const scores = new Float32Array(32000).fill(Math.log(rest / (32000 - known.length)));
  for (let i = 0; i < best.length; i += 2) scores[best[i]] = best[i + 1];
  return scores;
}

test.each(recorded.cases)("$name finds the reference's hypotheses", ({ name, settings, hypotheses }) => {
  const best = recorded.best[name.split(".")[0]];
  const found = search(settingsFromJson(settings), (ids) => recordedLogits(best[ids.slice(1).join(" ")]));
  expect(found.hypotheses.map(({ ids }) => ids)).toEqual(hypotheses.map(({ ids }) => ids));
  for (const [i, { score }] of hypotheses.entries()) expect(found.hypotheses[i].score).toBeCloseTo(score, 4);
});

/** Logits that depend on all tokens so far. */
function logitsAfter(history: readonly number[], vocabulary: number): Float32Array {
  const random = xoshiro128(history.reduce((hash, id) => (hash * 31 + id + 1) % 1_000_003, 7));
  return Float32Array.from({ length: vocabulary }, () => 4 * random());
}

function search(
  given: Partial<GenerationSettings>,
  logitsAt: number | ((history: readonly number[]) => Float32Array),
) {
  const logits = (ids: readonly number[]): Float32Array =>
    typeof logitsAt === "number" ? logitsAfter(ids, logitsAt) : logitsAt(ids);
  const settings = completeSettings(given);
  const beams = new BeamSearch(settings);
  let histories: number[][] = Array.from({ length: settings.numBeams }, () => [1]);
  let steps = 0;
  while (!beams.done) {
    const { sources, tokens } = beams.advance(histories.map(logits));
    histories = sources.map((source, beam) => [...histories[source], tokens[beam]]);
    steps++;
  }
  return { hypotheses: beams.hypotheses(), steps };
}

test("enough beams find the best of all sequences", () => {
  const vocabulary = 4;
  let best = { ids: [1], sum: -Infinity };
  const walk = (ids: number[], sum: number): void => {
    if (ids.length === 4) {
      if (sum > best.sum) best = { ids, sum };
      return;
    }
    const scores = logitsAfter(ids, vocabulary);
    logSoftmax(scores);
    for (let token = 0; token < vocabulary; token++) walk([...ids, token], sum + scores[token]);
  };
  walk([1], 0);
  const { hypotheses } = search({ numBeams: 64, maxNewTokens: 3, eosTokenIds: [99] }, vocabulary);
  expect(hypotheses[0].ids).toEqual(best.ids);
  expect(hypotheses[0].score).toBeCloseTo(best.sum / 4, 5);
});

test("one step by hand: an eos among the beams ends a hypothesis, one behind them is dropped", () => {
  const logits = Float32Array.of(0.3, 0.02, 0.25, 0.23, 0.2).map(Math.log);
  const scores = logits.slice();
  logSoftmax(scores);
  const finished = new BeamSearch(completeSettings({ numBeams: 2, maxNewTokens: 1, eosTokenIds: [2] }));
  expect(finished.advance([logits.slice(), logits.slice()])).toEqual({ sources: [0, 0], tokens: [0, 3] });
  // The eos ranks second: its hypothesis is BOS alone, of length 1; the open beams have length 2.
  const kept = finished.hypotheses();
  expect(kept.map(({ ids }) => ids)).toEqual([
    [1, 0],
    [1, 3],
  ]);
  expect(kept[0].score).toBeCloseTo(scores[0] / 2, 6);

  const dropped = new BeamSearch(completeSettings({ numBeams: 2, maxNewTokens: 1, eosTokenIds: [3] }));
  expect(dropped.advance([logits.slice(), logits.slice()])).toEqual({ sources: [0, 0], tokens: [0, 2] });
  expect(dropped.hypotheses().map(({ ids }) => ids)).toEqual([
    [1, 0],
    [1, 2],
  ]);
});

test("early stopping ends at enough hypotheses, otherwise only when none can get better", () => {
  const common = { numBeams: 3, maxNewTokens: 20, eosTokenIds: [0, 1, 2, 3] };
  const early = search({ ...common, earlyStopping: true }, 12);
  const late = search({ ...common, earlyStopping: false }, 12);
  expect(early.steps).toBeLessThanOrEqual(late.steps);
  expect(early.hypotheses).toHaveLength(3);
  expect(late.hypotheses[0].score).toBeGreaterThanOrEqual(early.hypotheses[0].score);
});

test("a larger length penalty favours longer answers", () => {
  const common = { numBeams: 4, maxNewTokens: 16, eosTokenIds: [0, 1], earlyStopping: false };
  const lengths = [0, 1, 3].map(
    (lengthPenalty) => search({ ...common, lengthPenalty }, 10).hypotheses[0].ids.length,
  );
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
});

test("a vocabulary with too few tokens that go on is named", () => {
  const beams = new BeamSearch(completeSettings({ numBeams: 3, eosTokenIds: [0, 1, 2, 3] }));
  expect(() => beams.advance([0, 1, 2].map(() => new Float32Array(4)))).toThrow(
    /3 beams need as many tokens/,
  );
});

/** The chance of each ordered pair of beams that the reference's draw gives: four draws without replacement, best two kept. */
function pairChances(probabilities: readonly number[]): Map<string, number> {
  const both = [...probabilities, ...probabilities].map((p) => p / 2);
  const chances = new Map<string, number>();
  const walk = (drawn: readonly number[], chance: number, left: number): void => {
    if (drawn.length < 4) {
      for (const [i, p] of both.entries())
        if (!drawn.includes(i)) walk([...drawn, i], (chance * p) / left, left - p);
      return;
    }
    const best = drawn.toSorted((a, b) => both[b] - both[a]).slice(0, 2);
    const tokens = best.map((i) => i % probabilities.length).join(" ");
    chances.set(tokens, (chances.get(tokens) ?? 0) + chance);
  };
  walk([], 1, 1);
  return chances;
}

test("with doSample candidates are drawn without replacement from all beams together", () => {
  const logits = Float32Array.of(1.2, 0.4, -0.3, -1);
  const temperature = 1.5;
  const weights = [...logits].map((score) => Math.exp(score / temperature));
  const expected = pairChances(weights.map((weight) => weight / weights.reduce((a, b) => a + b)));
  const counts = new Map<string, number>();
  const draws = 2000;
  for (let seed = 0; seed < draws; seed++) {
    const settings = { doSample: true, seed, temperature, numBeams: 2, maxNewTokens: 1, eosTokenIds: [9] };
    const { tokens } = new BeamSearch(completeSettings(settings)).advance([logits.slice(), logits.slice()]);
    counts.set(tokens.join(" "), (counts.get(tokens.join(" ")) ?? 0) + 1);
  }
  for (const [pair, chance] of expected)
    expect(Math.abs((counts.get(pair) ?? 0) / draws - chance), pair).toBeLessThan(0.04);
  for (const pair of counts.keys()) expect(expected.has(pair)).toBe(true);
});

test("a seed repeats a drawn search; top-k leaves two tokens a beam, which are all drawn", () => {
  const found = (seed: number, topK: number): string => {
    const settings = { doSample: true, seed, topK, numBeams: 3, maxNewTokens: 8, eosTokenIds: [0] };
    return search(settings, 30).hypotheses[0].ids.join(" ");
  };
  expect(found(5, 6)).toBe(found(5, 6));
  expect(new Set([5, 6, 7, 8].map((seed) => found(seed, 6))).size).toBeGreaterThan(1);
  expect(new Set([5, 6, 7, 8].map((seed) => found(seed, 1))).size).toBe(1);
});
