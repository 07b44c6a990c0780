import { float32, type HostTensor } from "../../tensor/index.ts";
import type { OwlConfig } from "../owl-config.ts";
import type { ParameterDescription } from "../parameters.ts";

/** A model small enough for the interpreter, with grouped-query attention and no two sizes alike by need. */
export const microConfig: OwlConfig = {
  vision: {
    tower: "clip",
    hidden: 12,
    layers: 2,
    heads: 3,
    intermediate: 20,
    imageSize: 8,
    patchSize: 4,
    epsilon: 1e-6,
    initializerRange: 0.3,
  },
  abstractor: { hidden: 12, layers: 2, heads: 2, intermediate: 10, epsilon: 1e-6, initializerRange: 0.3 },
  language: {
    family: "llama",
    hidden: 16,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headDim: 6,
    intermediate: 14,
    vocabulary: 23,
    epsilon: 1e-6,
    ropeTheta: 500,
    maxPositions: 32,
    tiedEmbeddings: false,
    bosId: 1,
    eosId: 2,
    padId: 0,
    initializerRange: 0.3,
  },
  numQueryTokens: 3,
};

/** Repeatable numbers, roughly normal with this deviation. */
export function randomNumbers(count: number, deviation: number, seed: number): number[] {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => {
    const sum = uniform() + uniform() + uniform() + uniform();
    return deviation * (sum - 2) * Math.sqrt(3);
  });
}

/** Values for every parameter; what starts as a constant is moved off it, so that every one matters. */
export function randomParameters(parameters: readonly ParameterDescription[]): Record<string, HostTensor> {
  return Object.fromEntries(
    parameters.map(({ name, dims, initial }, i) => {
      const count = dims.reduce((product, size) => product * size, 1);
      const centre = initial.kind === "constant" ? initial.value : 0;
      const deviation = initial.kind === "normal" ? initial.deviation : 0.1;
      const values = randomNumbers(count, deviation, 7919 * (i + 1)).map((value) => centre + value);
      return [name, float32(values, dims)];
    }),
  );
}
