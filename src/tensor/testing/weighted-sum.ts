import * as op from "../index.ts";
import { randomStream } from "./random.ts";

/** A scalar that depends on every entry of the results, each with a weight of its own in ±1. */
export function weightedSum(results: readonly op.Tensor[], seed: string): op.Tensor {
  const random = randomStream(seed);
  const sums = results.map((result) => {
    const dims = op.staticSizes(result.shape, "the weights of a loss");
    const weights = Array.from({ length: op.elementCount(dims) }, () => 2 * random() - 1);
    return op.total(op.mul(result, op.constant(op.float32(weights, dims))));
  });
  return sums.reduce(op.add);
}
