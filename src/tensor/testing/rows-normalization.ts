import * as op from "../index.ts";
import { floats, learned, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

const sizes = { batch: 2, tokens: 3, width: 4 };
const everyOutput = (y: op.Tensor): readonly op.Tensor[] => y.node.outputs;

export const softmax: Rows = [
  row("rows", { x: floats({ rows: 3, columns: 4 }) }, ({ x }) => op.softmax(x)),
  row("large numbers", { x: floats({ rows: 2, columns: 3 }, 80, 90) }, ({ x }) => op.softmax(x)),
  row("one entry", { x: floats({ rows: 2, one: 1 }) }, ({ x }) => op.softmax(x)),
  row("a symbolic axis", { x: floats(sizes) }, ({ x }) => op.softmax(x), { symbolic: ["batch", "tokens"] }),
];

export const layerNorm: Rows = [
  row(
    "three axes",
    { x: floats(sizes), weight: learned({ width: 4 }), bias: learned({ width: 4 }) },
    ({ x, weight, bias }) => op.layerNorm(x, weight, bias, 1e-6),
  ),
  row(
    "an epsilon that shows",
    {
      x: floats({ rows: 2, width: 3 }, -0.1, 0.1),
      weight: learned({ width: 3 }),
      bias: learned({ width: 3 }),
    },
    ({ x, weight, bias }) => op.layerNorm(x, weight, bias, 0.5),
  ),
  row(
    "a vector",
    { x: floats({ width: 5 }), weight: learned({ width: 5 }), bias: learned({ width: 5 }) },
    ({ x, weight, bias }) => op.layerNorm(x, weight, bias, 1e-5),
  ),
  row(
    "means and inverse deviations too",
    { x: floats(sizes, 1, 3), weight: learned({ width: 4 }), bias: learned({ width: 4 }) },
    ({ x, weight, bias }) => everyOutput(op.layerNorm(x, weight, bias, 1e-5)),
    { differentiable: [] },
  ),
  row(
    "symbolic axes",
    { x: floats(sizes), weight: learned({ width: 4 }), bias: learned({ width: 4 }) },
    ({ x, weight, bias }) => op.layerNorm(x, weight, bias, 1e-6),
    { symbolic: ["batch", "tokens"] },
  ),
];

export const rmsNorm: Rows = [
  row("three axes", { x: floats(sizes), weight: learned({ width: 4 }) }, ({ x, weight }) =>
    op.rmsNorm(x, weight, 1e-6),
  ),
  row(
    "an epsilon that shows",
    { x: floats({ rows: 2, width: 3 }, -0.1, 0.1), weight: learned({ width: 3 }) },
    ({ x, weight }) => op.rmsNorm(x, weight, 0.5),
  ),
  row("a vector", { x: floats({ width: 5 }), weight: learned({ width: 5 }) }, ({ x, weight }) =>
    op.rmsNorm(x, weight, 1e-6),
  ),
  row(
    "inverses too",
    { x: floats(sizes), weight: learned({ width: 4 }) },
    ({ x, weight }) => everyOutput(op.rmsNorm(x, weight, 1e-6)),
    { differentiable: [] },
  ),
  row(
    "symbolic axes",
    { x: floats(sizes), weight: learned({ width: 4 }) },
    ({ x, weight }) => op.rmsNorm(x, weight, 1e-6),
    { symbolic: ["batch", "tokens"] },
  ),
];
