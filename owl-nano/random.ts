import { fnv1a, mulberry32 } from "../src/primitives/index.ts";

/** A seeded stream of numbers; one is made per example, so that example `i` never depends on what was drawn before it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  range(low: number, high: number): number;
  /** An integer in [0, count). */
  integer(count: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the choices, each as likely as the others. */
  pick<T>(choices: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
}

/** 32-bit hash of a text's UTF-16 units, so that streams can be told apart by name. */
export function hashText(text: string): number {
  return fnv1a(Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)));
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The random stream of one example.
 *
 * @param seed the run's seed
 * @param stream the generator's name, so that two generators with one seed differ
 * @param index the example's index
 */
export function randomFor(seed: number, stream: string, index: number): Random {
  // 32 bits of state are plenty for the few hundred numbers of one example.
  const next = mulberry32(mix(mix(mix(seed) ^ hashText(stream)) ^ mix(index + 0x9e3779b9)));
  const integer = (count: number): number => Math.floor(next() * count);
  return {
    next,
    integer,
    range: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (choices) => {
      if (choices.length === 0) throw new Error("random.pick: at least one choice is needed, got none");
      return choices[integer(choices.length)];
    },
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
  };
}
