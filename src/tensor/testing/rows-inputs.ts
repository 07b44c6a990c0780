import * as op from "../index.ts";
import { floats, learned, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

export const input: Rows = [
  row("a result that is an input", { x: floats({ batch: 2, width: 3 }) }, ({ x }) => x),
];

export const parameter: Rows = [
  row(
    "one parameter used twice",
    { x: floats({ width: 3 }), weight: learned({ width: 3 }) },
    ({ x, weight }) => op.mul(op.add(x, weight), weight),
  ),
];

export const constant: Rows = [
  row("a table of numbers and a scalar", { x: floats({ rows: 2, columns: 2 }) }, ({ x }) =>
    op.mul(op.add(x, op.constant(op.float32([1, -2, 3, 0.5], [2, 2]))), op.scalar(-0.25)),
  ),
  row(
    "whole numbers of equal content and different sizes",
    { x: floats({ rows: 4, columns: 4 }) },
    ({ x }) => [
      op.gatherNd(x, op.constant(op.int64([0, 1, 2, 3], [2, 2]))),
      op.gatherNd(x, op.constant(op.int64([0, 1, 2, 3], [4, 1]))),
    ],
  ),
];
