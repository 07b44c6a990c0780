import * as op from "../index.ts";
import { floats, learned, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

const flags = [
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
];

// m rows, k inside, n columns; every combination of transposes with its own way of batching.
const products = flags.flatMap(({ transposeA, transposeB }): Row[] => {
  const a = transposeA ? { k: 3, m: 2 } : { m: 2, k: 3 };
  const b = transposeB ? { n: 4, k: 3 } : { k: 3, n: 4 };
  const flag = `${transposeA ? "aᵀ" : "a"} ${transposeB ? "bᵀ" : "b"}`;
  const apply =
    (alpha?: number) =>
    ({ a, b }: { a: op.Tensor; b: op.Tensor }): op.Tensor =>
      op.matmul(a, b, { transposeA, transposeB, ...(alpha === undefined ? {} : { alpha }) });
  return [
    row(`${flag}, matrices`, { a: floats(a), b: floats(b) }, apply()),
    row(`${flag}, a factor`, { a: floats(a), b: floats(b) }, apply(-0.5)),
    row(`${flag}, batches`, { a: floats({ batch: 2, ...a }), b: floats({ batch: 2, ...b }) }, apply(0.3)),
    row(
      `${flag}, one matrix for a batch`,
      { a: floats({ batch: 2, heads: 3, ...a }), b: floats(b) },
      apply(),
    ),
    row(`${flag}, a batch for one matrix`, { a: floats(a), b: floats({ batch: 2, ...b }) }, apply(2)),
    row(
      `${flag}, batches that broadcast`,
      { a: floats({ batch: 2, one: 1, ...a }), b: floats({ heads: 3, ...b }) },
      apply(),
    ),
  ];
});

export const matmul: Rows = [
  row(
    "symbolic rows",
    { a: floats({ batch: 2, tokens: 3, k: 2 }), b: floats({ k: 2, n: 2 }) },
    ({ a, b }) => op.matmul(a, b),
    { symbolic: ["batch", "tokens"] },
  ),
  row("a tensor with itself", { a: floats({ m: 2, k: 3 }) }, ({ a }) =>
    op.matmul(a, a, { transposeB: true }),
  ),
  row(
    "a transposed left side, many columns",
    { a: floats({ k: 2, m: 3 }), b: floats({ k: 2, n: 320 }) },
    ({ a, b }) => op.matmul(a, b, { transposeA: true }),
  ),
  row(
    "a batch of transposed left sides, many columns",
    { a: floats({ batch: 2, k: 2, m: 3 }), b: floats({ k: 2, n: 320 }) },
    ({ a, b }) => op.matmul(a, b, { transposeA: true }),
  ),
  ...products,
];

export const linear: Rows = [
  row(
    "two axes, bias",
    { x: floats({ rows: 3, in: 2 }), weight: learned({ out: 4, in: 2 }), bias: learned({ out: 4 }) },
    ({ x, weight, bias }) => op.linear(x, weight, bias),
  ),
  row(
    "four axes, bias",
    { x: floats({ a: 2, b: 1, c: 3, in: 2 }), weight: learned({ out: 3, in: 2 }), bias: learned({ out: 3 }) },
    ({ x, weight, bias }) => op.linear(x, weight, bias),
  ),
  row(
    "no bias",
    { x: floats({ batch: 2, tokens: 2, in: 3 }), weight: learned({ out: 2, in: 3 }) },
    ({ x, weight }) => op.linear(x, weight),
  ),
  row(
    "a vector",
    { x: floats({ in: 3 }), weight: learned({ out: 2, in: 3 }), bias: learned({ out: 2 }) },
    ({ x, weight, bias }) => op.linear(x, weight, bias),
  ),
  row(
    "symbolic tokens, bias",
    {
      x: floats({ batch: 2, tokens: 3, in: 2 }),
      weight: learned({ out: 4, in: 2 }),
      bias: learned({ out: 4 }),
    },
    ({ x, weight, bias }) => op.linear(x, weight, bias),
    { symbolic: ["batch", "tokens"] },
  ),
  row(
    "symbolic tokens, no bias",
    { x: floats({ batch: 2, tokens: 3, in: 2 }), weight: learned({ out: 4, in: 2 }) },
    ({ x, weight }) => op.linear(x, weight),
    { symbolic: ["batch", "tokens"] },
  ),
];
