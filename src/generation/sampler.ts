import { freshSeed, type Random, xoshiro128 } from "../primitives/index.ts";
import { type LogitsProcessor, penaltiesOf, softmax, warpersOf } from "./logits-processors.ts";
import type { GenerationSettings } from "./settings.ts";

/** Chooses the next token by its scores, which it may change; `history` is BOS and the tokens generated so far. */
export type Sampler = (scores: Float32Array, history: readonly number[]) => number;

/** The token of the highest score; of equals the one with the lowest id. */
export function argmax(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

/** Samples a token with the probabilities softmax(scores); equal random numbers give equal tokens. */
export function sample(scores: Float32Array, random: Random): number {
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

/** The sampler of one sequence, as settings say: logits processors, then argmax or a random sample. */
export function samplerOf(settings: GenerationSettings): Sampler {
  const chain: LogitsProcessor[] = penaltiesOf(settings);
  if (settings.doSample) chain.push(...warpersOf(settings));
  const random = settings.doSample ? xoshiro128(settings.seed ?? freshSeed()) : undefined;
  return (scores, history) => {
    for (const process of chain) process(scores, history);
    return random === undefined ? argmax(scores) : sample(scores, random);
  };
}
