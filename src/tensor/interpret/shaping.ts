import { elementCount } from "../host-tensor.ts";
import { type Shape, sameDim, staticSizes } from "../shape.ts";
import { eachCoordinate, entry, type Float64Tensor, offsetOf, tabulate } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

/** The sizes of a reshape's result: symbolic dimensions keep their place, the one left takes what remains. */
function reshapedSizes(wanted: Shape, given: Shape, { dims, data }: Float64Tensor): number[] {
  const sizes = wanted.map((d, i) => d.size ?? (given[i] && sameDim(d, given[i]) ? dims[i] : -1));
  const others = elementCount(sizes.filter((size) => size >= 0));
  return sizes.map((size) => (size >= 0 ? size : data.length / others));
}

export const reshape: Reference<"reshape"> = (node, [x]) => [
  { dims: reshapedSizes(node.attributes.shape, node.inputs[0].shape, x), data: x.data },
];

export const transpose: Reference<"transpose"> = (node, [x]) => {
  const { permutation } = node.attributes;
  const source = permutation.map(() => 0);
  return [
    tabulate(
      permutation.map((axis) => x.dims[axis]),
      (at) => {
        for (const [i, axis] of permutation.entries()) source[axis] = at[i];
        return entry(x, source);
      },
    ),
  ];
};

export const expand: Reference<"expand"> = (node, [x]) => [
  tabulate(staticSizes(node.attributes.shape, "expand"), (at) => entry(x, at)),
];

export const concat: Reference<"concat"> = (node, parts) => {
  const { axis } = node.attributes;
  const sum = parts.reduce((size, part) => size + part.dims[axis], 0);
  return [
    tabulate(parts[0].dims.with(axis, sum), (at) => {
      let which = 0;
      let along = at[axis];
      while (along >= parts[which].dims[axis]) along -= parts[which++].dims[axis];
      return entry(parts[which], at.with(axis, along));
    }),
  ];
};

/** The part start ≤ index < end along an axis. */
function partOf(x: Float64Tensor, axis: number, start: number, end: number): Float64Tensor {
  return tabulate(x.dims.with(axis, end - start), (at) => entry(x, at.with(axis, at[axis] + start)));
}

export const slice: Reference<"slice"> = (node, [x]) => {
  const { axis, start, end } = node.attributes;
  return [partOf(x, axis, start, end)];
};

export const split: Reference<"split"> = (node, [x]) => {
  let start = 0;
  return node.attributes.sizes.map((size) => {
    start += size;
    return partOf(x, node.attributes.axis, start - size, start);
  });
};

export const pad: Reference<"pad"> = (node, [x]) => {
  const { axis, before, after } = node.attributes;
  const size = x.dims[axis];
  return [
    tabulate(x.dims.with(axis, before + size + after), (at) => {
      const along = at[axis] - before;
      return along >= 0 && along < size ? entry(x, at.with(axis, along)) : 0;
    }),
  ];
};

function sumOfAxes(x: Float64Tensor, axes: readonly number[]): Float64Tensor {
  const sum = tabulate(
    x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    () => 0,
  );
  eachCoordinate(x.dims, (at) => {
    sum.data[offsetOf(sum, at)] += entry(x, at);
  });
  return sum;
}

export const reduceSum: Reference<"reduceSum"> = (node, [x]) => [sumOfAxes(x, node.attributes.axes)];

export const reduceMean: Reference<"reduceMean"> = (node, [x]) => {
  const { axes } = node.attributes;
  const count = elementCount(axes.map((axis) => x.dims[axis]));
  const sum = sumOfAxes(x, axes);
  return [{ dims: sum.dims, data: sum.data.map((value) => value / count) }];
};
