import * as op from "../index.ts";
import { floats, indices, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];
const { dim } = op;

export const reshape: Rows = [
  row("axes merged", { x: floats({ batch: 2, tokens: 3, width: 2 }) }, ({ x }) =>
    op.reshape(x, [op.mergedDim(x.shape[0], x.shape[1]), x.shape[2]]),
  ),
  row("an axis split into heads", { x: floats({ tokens: 3, width: 4 }) }, ({ x }) =>
    op.reshape(x, [x.shape[0], dim("heads", 2), dim("headDim", 2)]),
  ),
  row("to a scalar", { x: floats({ one: 1, width: 1 }) }, ({ x }) => op.reshape(x, [])),
  row(
    "symbolic axes in their places beside a split one",
    { x: floats({ batch: 2, tokens: 3, width: 4 }) },
    ({ x }) => op.reshape(x, [x.shape[0], x.shape[1], dim("heads", 2), dim("headDim", 2)]),
    { symbolic: ["batch", "tokens"] },
  ),
  row(
    "symbolic axes merged",
    { x: floats({ batch: 2, tokens: 3, width: 4 }) },
    ({ x }) => op.reshape(x, [op.mergedDim(x.shape[0], x.shape[1]), x.shape[2]]),
    { symbolic: ["batch", "tokens"] },
  ),
  row("whole numbers", { x: indices({ batch: 2, tokens: 3 }, 9) }, ({ x }) => op.reshape(x, [dim("all", 6)])),
];

export const transpose: Rows = [
  row("a matrix", { x: floats({ rows: 2, columns: 3 }) }, ({ x }) => op.transpose(x, [1, 0])),
  row("heads to the front", { x: floats({ batch: 2, tokens: 3, heads: 2, headDim: 2 }) }, ({ x }) =>
    op.transpose(x, [0, 2, 1, 3]),
  ),
  row("all axes round", { x: floats({ a: 2, b: 3, c: 4 }) }, ({ x }) => op.transpose(x, [2, 0, 1])),
  row(
    "symbolic axes",
    { x: floats({ batch: 2, tokens: 3, width: 2 }) },
    ({ x }) => op.transpose(x, [1, 2, 0]),
    { symbolic: ["batch", "tokens"] },
  ),
];

export const expand: Rows = [
  row("an axis of size 1", { x: floats({ batch: 1, width: 3 }) }, ({ x }) =>
    op.expand(x, [dim("batch", 2), x.shape[1]]),
  ),
  row("new axes in front", { x: floats({ width: 3 }) }, ({ x }) =>
    op.expand(x, [dim("batch", 2), dim("tokens", 2), x.shape[0]]),
  ),
  row("a scalar", { x: floats({}) }, ({ x }) => op.expand(x, [dim("rows", 2), dim("columns", 2)])),
];

export const concat: Rows = [
  row(
    "three parts along the middle",
    {
      a: floats({ batch: 2, m: 1, width: 2 }),
      b: floats({ batch: 2, n: 3, width: 2 }),
      c: floats({ batch: 2, k: 2, width: 2 }),
    },
    ({ a, b, c }) => op.concat([a, b, c], 1, "tokens"),
  ),
  row(
    "the last axis, counted from the back",
    { a: floats({ rows: 2, m: 2 }), b: floats({ rows: 2, n: 1 }) },
    ({ a, b }) => op.concat([a, b], -1),
  ),
  row("the same tensor twice", { a: floats({ rows: 2, columns: 2 }) }, ({ a }) => op.concat([a, a], 0)),
  row("one part", { a: floats({ rows: 2, columns: 2 }) }, ({ a }) => op.concat([a], 0)),
  row("whole numbers", { a: indices({ m: 2 }, 9), b: indices({ n: 3 }, 9) }, ({ a, b }) =>
    op.concat([a, b], 0),
  ),
  row(
    "a symbolic axis",
    { a: floats({ past: 2, width: 2 }), b: floats({ tokens: 1, width: 2 }) },
    ({ a, b }) => op.concat([a, b], 0, "seen"),
    { symbolic: ["past", "tokens"] },
  ),
];

export const slice: Rows = [
  row("the middle", { x: floats({ rows: 5, columns: 2 }) }, ({ x }) => op.slice(x, 0, 1, 4)),
  row("the end of the last axis", { x: floats({ batch: 2, rows: 2, columns: 5 }) }, ({ x }) =>
    op.slice(x, -1, 3, 5),
  ),
  row("all of it", { x: floats({ rows: 3 }) }, ({ x }) => op.slice(x, 0, 0, 3)),
  row("overlapping parts of one tensor", { x: floats({ rows: 4, columns: 2 }) }, ({ x }) =>
    op.mul(op.slice(x, 0, 0, 3), op.slice(x, 0, 1, 4)),
  ),
  row("beside a symbolic axis", { x: floats({ batch: 2, tokens: 4 }) }, ({ x }) => op.slice(x, 1, 1, 3), {
    symbolic: ["batch"],
  }),
];

export const split: Rows = [
  row("parts of unequal size", { x: floats({ batch: 2, width: 6, last: 2 }) }, ({ x }) =>
    op.split(x, 1, [1, 3, 2]),
  ),
  row(
    "a part that nobody uses",
    { x: floats({ rows: 2, columns: 5 }) },
    ({ x }) => op.split(x, -1, [2, 2, 1])[1],
  ),
  row("parts multiplied with each other", { x: floats({ rows: 4, columns: 2 }) }, ({ x }) => {
    const [a, b] = op.split(x, 0, [2, 2]);
    return op.mul(a, op.sigmoid(b));
  }),
  row("one part", { x: floats({ rows: 2, columns: 2 }) }, ({ x }) => op.split(x, 0, [2])),
  row(
    "beside symbolic axes",
    { x: floats({ batch: 2, tokens: 3, width: 4 }) },
    ({ x }) => op.split(x, 2, [3, 1]),
    { symbolic: ["batch", "tokens"] },
  ),
];

export const pad: Rows = [
  row("before and after", { x: floats({ rows: 2, columns: 3 }) }, ({ x }) => op.pad(x, 1, 2, 1)),
  row("the first axis, after only", { x: floats({ rows: 2, columns: 2 }) }, ({ x }) => op.pad(x, 0, 0, 2)),
  row("nothing", { x: floats({ rows: 2 }) }, ({ x }) => op.pad(x, 0, 0, 0)),
];

const reduction = (reduce: (x: op.Tensor, axes?: readonly number[]) => op.Tensor): Rows => [
  row("the last axis", { x: floats({ rows: 2, columns: 3 }) }, ({ x }) => reduce(x, [-1])),
  row("first and last", { x: floats({ a: 2, b: 3, c: 2 }) }, ({ x }) => reduce(x, [2, 0])),
  row("all axes", { x: floats({ a: 2, b: 3, c: 2 }) }, ({ x }) => reduce(x)),
  row("no axis", { x: floats({ a: 2, b: 3 }) }, ({ x }) => reduce(x, [])),
  row("a scalar", { x: floats({}) }, ({ x }) => reduce(x)),
];

export const reduceSum: Rows = [
  ...reduction(op.reduceSum),
  row("a total", { x: floats({ rows: 2, columns: 3 }) }, ({ x }) => op.total(op.mul(x, x))),
];
export const reduceMean = reduction(op.reduceMean);
