import { elementCount } from "../host-tensor.ts";
import { type Shape, sameDim, staticSizes } from "../shape.ts";
import type { Meaning } from "./meaning.ts";
import { eachCoordinate, entry, type Numbers, offsetOf, tabulate } from "./numbers.ts";

/** The sizes of a reshape's result: symbolic dimensions keep their place, the one left takes what remains. */
function reshapedSizes(wanted: Shape, given: Shape, { dims, data }: Numbers): number[] {
  const sizes = wanted.map((d, i) => d.size ?? (given[i] && sameDim(d, given[i]) ? dims[i] : -1));
  const others = elementCount(sizes.filter((size) => size >= 0));
  return sizes.map((size) => (size >= 0 ? size : data.length / others));
}

export const reshape: Meaning<"reshape"> = (node, [x]) => [
  { dims: reshapedSizes(node.attributes.shape, node.inputs[0].shape, x), data: x.data },
];

export const transpose: Meaning<"transpose"> = (node, [x]) => {
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

export const expand: Meaning<"expand"> = (node, [x]) => [
  tabulate(staticSizes(node.attributes.shape, "expand"), (at) => entry(x, at)),
];

export const concat: Meaning<"concat"> = (node, parts) => {
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
function partOf(x: Numbers, axis: number, start: number, end: number): Numbers {
  return tabulate(x.dims.with(axis, end - start), (at) => entry(x, at.with(axis, at[axis] + start)));
}

export const slice: Meaning<"slice"> = (node, [x]) => {
  const { axis, start, end } = node.attributes;
  return [partOf(x, axis, start, end)];
};

export const split: Meaning<"split"> = (node, [x]) => {
  let start = 0;
  return node.attributes.sizes.map((size) => {
    start += size;
    return partOf(x, node.attributes.axis, start - size, start);
  });
};

export const pad: Meaning<"pad"> = (node, [x]) => {
  const { axis, before, after } = node.attributes;
  const size = x.dims[axis];
  return [
    tabulate(x.dims.with(axis, before + size + after), (at) => {
      const along = at[axis] - before;
      return along >= 0 && along < size ? entry(x, at.with(axis, along)) : 0;
    }),
  ];
};

function sumOfAxes(x: Numbers, axes: readonly number[]): Numbers {
  const sum = tabulate(
    x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    () => 0,
  );
  eachCoordinate(x.dims, (at) => {
    sum.data[offsetOf(sum, at)] += entry(x, at);
  });
  return sum;
}

export const reduceSum: Meaning<"reduceSum"> = (node, [x]) => [sumOfAxes(x, node.attributes.axes)];

export const reduceMean: Meaning<"reduceMean"> = (node, [x]) => {
  const { axes } = node.attributes;
  const count = elementCount(axes.map((axis) => x.dims[axis]));
  const sum = sumOfAxes(x, axes);
  return [{ dims: sum.dims, data: sum.data.map((value) => value / count) }];
};
