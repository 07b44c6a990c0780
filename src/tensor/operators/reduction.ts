import { makeTensor, type Tensor } from "../node.ts";
import { dim, normalizeAxis } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";
import { reshape } from "./shaping.ts";

function reduce(kind: "reduceSum" | "reduceMean", x: Tensor, axes: readonly number[] | undefined): Tensor {
  requireFloat(kind, x);
  const wanted = (axes ?? x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.shape.length, kind));
  const sorted = [...new Set(wanted)].sort((a, b) => a - b);
  const shape = x.shape.map((d, i) => (sorted.includes(i) ? dim(d.name, 1) : d));
  return makeTensor(kind, [x], { axes: sorted }, "float32", shape);
}

/** Sum over the axes (all of them if none is named), which stay with size 1. */
export const reduceSum = (x: Tensor, axes?: readonly number[]): Tensor => reduce("reduceSum", x, axes);

/** Mean over the axes (all of them if none is named), which stay with size 1. */
export const reduceMean = (x: Tensor, axes?: readonly number[]): Tensor => reduce("reduceMean", x, axes);

/** The sum of all elements as a scalar. */
export const total = (x: Tensor): Tensor => reshape(reduceSum(x), []);
