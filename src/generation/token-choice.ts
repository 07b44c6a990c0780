import { freshSeed, type Random, xoshiro128 } from "../primitives/index.ts";
import { type LogitsProcessor, penaltiesOf, softmax, warpersOf } from "./logits-processors.ts";
import type { GenerationSettings } from "./settings.ts";

/** Picks the next token from scores (which it may change); `history` is BOS and the tokens so far. */
export type TokenChoice = (scores: Float32Array, history: readonly number[]) => number;

/** The token of the highest score; of equals the one with the lowest id. */
export function highest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

/** One token drawn with the probabilities softmax(scores), walking the ids in ascending order. */
export function draw(scores: Float32Array, random: Random): number {
  const probabilities = softmax(scores);
  let sum = 0;
  for (const probability of probabilities) sum += probability;
  let rest = random() * sum;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    last = i;
    rest -= probabilities[i];
    if (rest < 0) break;
  }
  return last;
}

/** The choice that settings ask for: greedy or sampling. Every row of a batch gets one of its own. */
export function tokenChoice(settings: GenerationSettings): TokenChoice {
  const chain: LogitsProcessor[] = penaltiesOf(settings);
  if (settings.doSample) chain.push(...warpersOf(settings));
  const random = settings.doSample ? xoshiro128(settings.seed ?? freshSeed()) : undefined;
  return (scores, history) => {
    for (const process of chain) process(scores, history);
    return random === undefined ? highest(scores) : draw(scores, random);
  };
}
