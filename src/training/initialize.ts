import { mulberry32, seedOf } from "../primitives/index.ts";
import type { HostTensor, Initial } from "../tensor/index.ts";

/**
 * Fills a parameter with its initial values, drawn from the seed and the parameter's name alone: adding or
 * removing other parameters changes nothing.
 *
 * @throws RangeError where they follow from another parameter: see {@link fillWithRowNorms}
 */
export function initialize(into: Float32Array, name: string, initial: Initial, seed: number): void {
  if (initial.kind === "rowNorms") {
    throw new RangeError(`${name}: starts with the lengths of the rows of ${initial.of}, got no such values`);
  }
  if (initial.kind === "constant") {
    into.fill(initial.value);
    return;
  }
  const random = mulberry32(seedOf("parameter", seed, name));
  if (initial.kind === "uniform") {
    for (let i = 0; i < into.length; i++) into[i] = (2 * random() - 1) * initial.bound;
    return;
  }
  for (let i = 0; i < into.length; i++) into[i] = normal(random) * initial.deviation;
}

/** Fills a vector with the Euclidean lengths of a matrix's rows. */
export function fillWithRowNorms(into: Float32Array, { dims, data }: HostTensor): void {
  const width = dims[1];
  for (let row = 0; row < into.length; row++) {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += Number(data[i]) ** 2;
    into[row] = Math.sqrt(sum);
  }
}

/** A standard normal number (Box and Muller 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
