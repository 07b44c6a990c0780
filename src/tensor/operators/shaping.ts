import { makeNode, makeTensor, operandError, type Tensor } from "../node.ts";
import {
  broadcastShapes,
  dim,
  isStatic,
  normalizeAxis,
  type Shape,
  sameDim,
  sameShape,
  showShape,
} from "../shape.ts";

const known = (shape: Shape): number => shape.reduce((product, d) => product * (d.size ?? 1), 1);

/**
 * The same numbers under another shape. Symbolic dimensions may stay where they are, and at most one may be
 * merged or split.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (isStatic(x.shape) && isStatic(shape) && known(x.shape) !== known(shape)) {
    throw operandError("reshape", `${showShape(shape)} has as many elements as the operand`, x);
  }
  const moved = shape.filter((d, i) => d.size === undefined && !(x.shape[i] && sameDim(x.shape[i], d)));
  if (moved.length > 1)
    throw operandError("reshape", `at most one symbolic dimension of ${showShape(shape)} changes`, x);
  return makeTensor("reshape", [x], { shape }, x.dtype, shape);
}

/** Axes in another order: axis i of the result is axis permutation[i] of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const sorted = [...permutation].sort((a, b) => a - b);
  if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
    throw operandError("transpose", `[${permutation}] names every axis once`, x);
  }
  return makeTensor(
    "transpose",
    [x],
    { permutation },
    x.dtype,
    permutation.map((axis) => x.shape[axis]),
  );
}

/** Repeats x along axes of size 1 (or new leading axes) up to a shape of known sizes. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const result = broadcastShapes(x.shape, shape);
  if (!isStatic(shape) || !result || !sameShape(result, shape)) {
    throw operandError("expand", `the operand broadcasts to the known sizes ${showShape(shape)}`, x);
  }
  return makeTensor("expand", [x], { shape }, x.dtype, shape);
}

/** Tensors one after the other along an axis; all other dimensions agree. `name` names the joined dimension. */
export function concat(parts: readonly Tensor[], axis: number, name?: string): Tensor {
  const [first] = parts;
  const at = normalizeAxis(axis, first.shape.length, "concat");
  for (const part of parts) {
    const fits = part.shape.length === first.shape.length && part.dtype === first.dtype;
    if (!fits || part.shape.some((d, i) => i !== at && !sameDim(d, first.shape[i]))) {
      throw operandError(
        "concat",
        `operands agree in type and in every dimension but number ${at}`,
        first,
        part,
      );
    }
  }
  const sizes = parts.map((part) => part.shape[at].size);
  const total = sizes.every((size) => size !== undefined)
    ? sizes.reduce((sum, size) => sum + size, 0)
    : undefined;
  const joined = dim(name ?? parts.map((part) => part.shape[at].name).join("+"), total);
  return makeTensor(
    "concat",
    parts,
    { axis: at },
    first.dtype,
    first.shape.map((d, i) => (i === at ? joined : d)),
  );
}

/** The part start ≤ index < end along an axis of known size. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length, "slice");
  const size = x.shape[at].size;
  if (size === undefined || start < 0 || end > size || start >= end) {
    throw operandError("slice", `0 <= ${start} < ${end} <= size of dimension ${at}`, x);
  }
  const shape = x.shape.map((d, i) => (i === at ? dim(d.name, end - start) : d));
  return makeTensor("slice", [x], { axis: at, start, end }, x.dtype, shape);
}

/** Consecutive parts of these sizes along an axis of known size. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  const at = normalizeAxis(axis, x.shape.length, "split");
  const whole = x.shape[at].size;
  if (whole !== sizes.reduce((sum, size) => sum + size, 0) || sizes.some((size) => size < 1)) {
    throw operandError("split", `the parts [${sizes}] are positive and add up to dimension ${at}`, x);
  }
  const part = (size: number) => x.shape.map((d, i) => (i === at ? dim(d.name, size) : d));
  const results = sizes.map((size) => ({ dtype: x.dtype, shape: part(size) }));
  return makeNode("split", [x], { axis: at, sizes }, results);
}

/** Zeros before and after x along an axis of known size. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length, "pad");
  const size = x.shape[at].size;
  if (size === undefined || before < 0 || after < 0 || x.dtype !== "float32") {
    throw operandError(
      "pad",
      `dimension ${at} of a float32 operand has a known size, and padding is not negative`,
      x,
    );
  }
  const shape = x.shape.map((d, i) => (i === at ? dim(d.name, before + size + after) : d));
  return makeTensor("pad", [x], { axis: at, before, after }, x.dtype, shape);
}
