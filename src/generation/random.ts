/** A source of numbers, uniform in [0, 1). */
export type Random = () => number;

/**
 * The generator behind seeded sampling: xoshiro128** (Blackman and Vigna, 2018) on 32-bit integers, its state
 * filled by SplitMix32 from the seed. Integer arithmetic only, so a seed gives the same numbers on every
 * platform. `seed` is a whole number; its lower 53 bits count.
 */
export function seededRandom(seed: number): Random {
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

/** A seed that no one chose. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
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
