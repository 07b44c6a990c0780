import { mulberry32, seedOf } from "../primitives/index.ts";
import type { Initial } from "../tensor/index.ts";

/**
 * Fills a parameter with its initial values, drawn from the seed and the parameter's name alone: adding or
 * removing other parameters changes nothing.
 */
export function initialize(into: Float32Array, name: string, initial: Initial, seed: number): void {
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

/** A standard normal number (Box and Muller 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
