import type { StateDict } from "../../src/checkpoint/index.ts";
import type { OwlConfig } from "../../src/model/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";
import { type Random, randomFor } from "../random.ts";
import { orthonormal } from "./orthonormal.ts";

/**
 * First weights with which each layer of the language model copies what it attends to: values and output are one rotation and its
 * inverse (mimetic initialisation, arXiv 2305.09828). What notes and visual tokens say is said again in most answers; with tied
 * embeddings, whatever word is attended to is made likelier from the first step. Sizes are those of random weights of the language
 * model's `initializerRange`.
 */
export function languageBeginning({ language }: OwlConfig, seed: number): StateDict {
  const { hidden, heads, keyValueHeads, headDim, layers, initializerRange = 0.02 } = language;
  if (keyValueHeads !== heads || heads * headDim !== hidden)
    throw new RangeError(
      `language beginning: heads must be as wide as the model together, with keys of their own, got ${heads} × ${headDim} of ${hidden}, ${keyValueHeads} with keys`,
    );
  const size = initializerRange * Math.sqrt(hidden);
  return new Map(
    Array.from({ length: layers }, (_, layer): [string, HostTensor][] => {
      const name = `language_model.model.layers.${layer}.self_attn`;
      const copying = rotation(hidden, randomFor(seed, "copying", layer));
      return [
        [`${name}.v_proj.weight`, matrix(hidden, (i, j) => size * copying[i][j])],
        [`${name}.o_proj.weight`, matrix(hidden, (i, j) => size * copying[j][i])],
      ];
    }).flat(),
  );
}

/** A random rotation, by rows; a vector of evenly distributed numbers points in nearly any direction. */
function rotation(width: number, random: Random): Float64Array[] {
  return orthonormal(
    Array.from({ length: width }, () => Float64Array.from({ length: width }, () => random.range(-1, 1))),
  );
}

function matrix(width: number, value: (row: number, column: number) => number): HostTensor<"float32"> {
  const made = allocate("float32", [width, width]);
  for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) made.data[i * width + j] = value(i, j);
  return made;
}
