/** A source of numbers, uniform in [0, 1). */
export type Random = () => number;

/**
 * The generator of everything that is trained on or drawn once: mulberry32 (Tommy Ettinger, 2017), with 32 bits of state.
 * Recorded runs and published weights depend on its bits.
 */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The generator behind seeded sampling: xoshiro128** (Blackman and Vigna, 2018) on 32-bit integers, its state
 * filled by SplitMix32 from the seed. Integer arithmetic only, so a seed gives the same numbers on every
 * platform. `seed` is a whole number; its lower 53 bits count.
 */
export function xoshiro128(seed: number): Random {
  const next = splitMix32((seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b1));
  const state = Uint32Array.from([next(), next(), next(), next()]);
  return () => {
    const [, s1] = state;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= s1 << 9;
    state[3] = rotateLeft(state[3], 11);
    return result / 2 ** 32;
  };
}

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

function splitMix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** A seed that nobody chose. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** The 32-bit FNV-1a hash of numbers: bytes, or the code points of a text. For seeds and names, not for security. */
export function fnv1a(numbers: Iterable<number>): number {
  let hash = 0x811c9dc5;
  for (const number of numbers) hash = Math.imul(hash ^ number, 0x01000193);
  return hash >>> 0;
}

/** A 32-bit seed made of several numbers and names; the same parts give the same seed. */
export function seedOf(...parts: (number | string)[]): number {
  return fnv1a(Array.from(parts.join("\u0000"), (character) => character.codePointAt(0)!));
}

/** The whole numbers below `length` in random order (Fisher and Yates). */
export function permutation(length: number, seed: number): Uint32Array {
  const random = mulberry32(seed);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const moved = order[last];
    order[last] = order[other];
    order[other] = moved;
  }
  return order;
}
