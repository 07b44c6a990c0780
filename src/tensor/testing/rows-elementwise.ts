import * as op from "../index.ts";
import { floats, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];
type Unary = (x: op.Tensor) => op.Tensor;
type Binary = (a: op.Tensor, b: op.Tensor) => op.Tensor;

const unary = (apply: Unary, from: number, to: number): Rows => [
  row("three axes", { x: floats({ batch: 2, tokens: 3, width: 2 }, from, to) }, ({ x }) => apply(x)),
  row("a scalar", { x: floats({}, from, to) }, ({ x }) => apply(x)),
  row("a symbolic axis", { x: floats({ tokens: 3, width: 2 }, from, to) }, ({ x }) => apply(x), {
    symbolic: ["tokens"],
  }),
];

// The second operand of a division stays away from zero.
const binary = (apply: Binary, from = -2, to = 2): Rows => {
  const pair = (a: Record<string, number>, b: Record<string, number>) => ({
    a: floats(a),
    b: floats(b, from, to),
  });
  const both = ({ a, b }: { a: op.Tensor; b: op.Tensor }): op.Tensor => apply(a, b);
  return [
    row("equal shapes", pair({ rows: 2, columns: 3 }, { rows: 2, columns: 3 }), both),
    row("a row over a batch", pair({ batch: 2, rows: 2, columns: 3 }, { columns: 3 }), both),
    row("a batch over a row", pair({ columns: 3 }, { batch: 2, rows: 2, columns: 3 }), both),
    row("both stretched", pair({ rows: 3, one: 1 }, { batch: 2, one: 1, columns: 2 }), both),
    row("a scalar", pair({ rows: 2, columns: 3 }, {}), both),
    row("the same tensor twice", { a: floats({ columns: 4 }, 0.5, 2) }, ({ a }) => apply(a, a)),
    row("symbolic axes", pair({ batch: 2, tokens: 3 }, { tokens: 3 }), both, {
      symbolic: ["batch", "tokens"],
    }),
  ];
};

export const neg = unary(op.neg, -2, 2);
export const exp = unary(op.exp, -3, 2);
export const log = unary(op.log, 0.2, 4);
export const sqrt = unary(op.sqrt, 0.2, 4);
export const reciprocal = unary(op.reciprocal, -3, -0.3);
export const erf = unary(op.erf, -3, 3);
export const tanh = unary(op.tanh, -3, 3);
export const detach: Rows = [
  row("a constant to its reader", { x: floats({ rows: 2, width: 3 }) }, ({ x }) => op.detach(x), {
    differentiable: [],
  }),
];
export const sigmoid = unary(op.sigmoid, -6, 6);
export const quickGelu: Rows = [
  ...unary((x) => op.quickGelu(x, 1.702), -4, 4),
  row("alpha 1, which is SiLU", { x: floats({ width: 7 }, -5, 5) }, ({ x }) => op.silu(x)),
];
export const add = binary(op.add);
export const sub = binary(op.sub);
export const mul = binary(op.mul);
export const div = binary(op.div, -3, -0.4);
