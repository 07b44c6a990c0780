import { describe, expect, test } from "vitest";
import * as op from "../index.ts";

const { dim } = op;

/** Small numbers whose answer can be checked by hand: a result and what each of the asked outputs holds. */
interface Known {
  readonly of: op.Tensor | readonly op.Tensor[];
  readonly is: readonly number[] | readonly (readonly number[])[];
  readonly feeds?: Readonly<Record<string, op.TensorLike>>;
}

const floats = (dims: readonly number[], ...values: number[]): op.Tensor =>
  op.constant(op.float32(values, dims));
const whole = (dims: readonly number[], ...values: number[]): op.Tensor =>
  op.constant(op.int64(values, dims));
const signed = (dims: readonly number[], ...values: number[]): op.Tensor => {
  const tensor = op.allocate("int8", dims);
  tensor.data.set(values);
  return op.constant(tensor);
};
const bytes = (dims: readonly number[], ...values: number[]): op.Tensor => {
  const tensor = op.allocate("uint8", dims);
  tensor.data.set(values);
  return op.constant(tensor);
};
const narrow = (...values: number[]): op.Tensor => op.constant(op.int32(values, [values.length]));

const square = floats([2, 2], 1, 2, 3, 4);
const e = Math.E;

// A head of two entries; position 1 turns by a quarter: (a, b) → (−b, a).
const cos = floats([2, 1], 1, 0);
const sin = floats([2, 1], 0, 1);

// Two numbers of 4 bits, 10 and 9, the earlier one in the lower half: 2 and 1 above the middle.
const nibbles = {
  packed: bytes([1, 1, 1], 0x9a),
  scales: floats([1, 1], 0.5),
  bits: 4,
  blockSize: 2,
} as const;
const middle = { ...nibbles, zeroPoints: undefined };

const knownAnswers: { readonly [K in op.OperatorKind]: readonly Known[] } = {
  input: [{ of: op.input("x", "int64", [dim("n")]), is: [7, -1], feeds: { x: op.int64([7, -1], [2]) } }],
  parameter: [
    {
      of: op.parameter("w", [dim("n", 2)], { kind: "constant", value: 0 }),
      is: [0.1, 3],
      feeds: { w: { dims: [2], data: [0.1, 3] } },
    },
  ],
  constant: [{ of: square, is: [1, 2, 3, 4] }],
  neg: [{ of: op.neg(square), is: [-1, -2, -3, -4] }],
  exp: [{ of: op.exp(floats([2], 0, 1)), is: [1, e] }],
  log: [{ of: op.log(floats([2], 1, 8)), is: [0, 3 * Math.LN2] }],
  sqrt: [{ of: op.sqrt(floats([2], 9, 2)), is: [3, Math.SQRT2] }],
  reciprocal: [{ of: op.reciprocal(floats([2], -4, 0.5)), is: [-0.25, 2] }],
  detach: [{ of: op.detach(floats([2], 0, 1)), is: [0, 1] }],
  tanh: [{ of: op.tanh(floats([2], 0, 1)), is: [0, (e ** 2 - 1) / (e ** 2 + 1)] }],
  sigmoid: [{ of: op.sigmoid(floats([3], 0, 2, -2)), is: [0.5, e ** 2 / (e ** 2 + 1), 1 / (e ** 2 + 1)] }],
  // Abramowitz and Stegun, table 7.1.
  erf: [{ of: op.erf(floats([5], 0, 0.5, 1, -2, 7)), is: [0, 0.5204998778, 0.8427007929, -0.995322265, 1] }],
  quickGelu: [
    { of: op.quickGelu(floats([2], 0, 2), 0.5), is: [0, (2 * e) / (e + 1)] },
    { of: op.silu(floats([2], 1, -1)), is: [e / (e + 1), -1 / (e + 1)] },
  ],
  add: [{ of: op.add(square, floats([2], 10, 20)), is: [11, 22, 13, 24] }],
  sub: [{ of: op.sub(floats([2, 1], 10, 20), square), is: [9, 8, 17, 16] }],
  mul: [{ of: op.mul(floats([2, 1], 1, -1), floats([1, 2], 5, 7)), is: [5, 7, -5, -7] }],
  div: [{ of: op.div(square, op.scalar(-2)), is: [-0.5, -1, -1.5, -2] }],
  reshape: [{ of: op.reshape(square, [dim("all", 4)]), is: [1, 2, 3, 4] }],
  transpose: [
    { of: op.transpose(square, [1, 0]), is: [1, 3, 2, 4] },
    // [2, 1, 3] → [3, 2, 1]
    { of: op.transpose(floats([2, 1, 3], 1, 2, 3, 4, 5, 6), [2, 0, 1]), is: [1, 4, 2, 5, 3, 6] },
  ],
  expand: [{ of: op.expand(floats([2, 1], 1, 2), [dim("a", 2), dim("b", 2)]), is: [1, 1, 2, 2] }],
  concat: [{ of: op.concat([square, floats([2, 1], 8, 9)], 1), is: [1, 2, 8, 3, 4, 9] }],
  slice: [{ of: op.slice(square, 1, 1, 2), is: [2, 4] }],
  split: [
    {
      of: op.split(floats([2, 3], 1, 2, 3, 4, 5, 6), 1, [1, 2]),
      is: [
        [1, 4],
        [2, 3, 5, 6],
      ],
    },
  ],
  pad: [{ of: op.pad(square, 1, 1, 0), is: [0, 1, 2, 0, 3, 4] }],
  reduceSum: [
    { of: op.reduceSum(square, [0]), is: [4, 6] },
    { of: op.total(square), is: [10] },
  ],
  reduceMean: [{ of: op.reduceMean(square, [-1]), is: [1.5, 3.5] }],
  matmul: [
    { of: op.matmul(square, square), is: [7, 10, 15, 22] },
    { of: op.matmul(square, square, { transposeA: true }), is: [10, 14, 14, 20] },
    { of: op.matmul(square, square, { transposeB: true, alpha: 2 }), is: [10, 22, 22, 50] },
    {
      of: op.matmul(floats([2, 1, 2], 1, 0, 0, 1), square),
      is: [1, 2, 3, 4],
    },
  ],
  linear: [{ of: op.linear(square, floats([1, 2], 5, -1), floats([1], 100)), is: [103, 111] }],
  softmax: [
    {
      of: op.softmax(floats([2, 2], 0, 1, 5, 5)),
      is: [1 / (1 + e), e / (1 + e), 0.5, 0.5],
    },
  ],
  layerNorm: [
    // mean 3, variance 4
    {
      of: op.layerNorm(floats([1, 2], 1, 5), floats([2], 1, 10), floats([2], 0, 1), 0).node.outputs,
      is: [[-1, 11], [3], [0.5]],
    },
    { of: op.layerNorm(floats([2], 1, 5), floats([2], 1, 1), floats([2], 0, 0), 12), is: [-0.5, 0.5] },
  ],
  rmsNorm: [
    // mean of squares 25 and, with epsilon, 36
    {
      of: op.rmsNorm(floats([2], 1, 7), floats([2], 1, -1), 11).node.outputs,
      is: [[1 / 6, -7 / 6], [1 / 6]],
    },
  ],
  rotary: [
    {
      of: op.rotary(floats([1, 1, 2, 2], 3, 4, 3, 4), whole([1, 2], 0, 1), cos, sin),
      is: [3, 4, -4, 3],
    },
  ],
  attention: [
    {
      of: op.attention(
        floats([1, 1, 2, 1], 0, 1),
        floats([1, 1, 2, 1], 0, Math.fround(Math.LN2)),
        floats([1, 1, 2, 1], 30, 60),
        { scale: 2 },
      ).node.outputs,
      // Second query: scores 0 and 2 ln 2, so weights 1 : 4.
      is: [
        [45, 54],
        [0.5, 0.5, 0.2, 0.8],
      ],
    },
    {
      of: op.attention(floats([1, 1, 2, 1], 0, 0), floats([1, 1, 2, 1], 1, 1), floats([1, 1, 2, 1], 30, 60), {
        scale: 1,
        causal: true,
      }),
      is: [30, 45],
    },
    {
      of: op.attention(floats([1, 1, 1, 1], 0), floats([1, 1, 2, 1], 1, 1), floats([1, 1, 2, 1], 30, 60), {
        scale: 1,
        mask: floats([2], -Infinity, 0),
      }),
      is: [60],
    },
  ],
  cachedAttention: [
    // The new token stands at position 1: its query (1, 0) turns to (0, 1), its key (0, 2) to (−2, 0); the cached
    // key (0, ln 3) stays. Scores ln 3 and 0, so weights 3 : 1.
    {
      of: op.cachedAttention(
        {
          query: floats([1, 1, 2], 1, 0),
          key: floats([1, 1, 2], 0, 2),
          value: floats([1, 1, 2], 8, 0),
          pastKey: floats([1, 1, 3, 2], 0, Math.fround(Math.log(3)), 9, 9, 9, 9),
          pastValue: floats([1, 1, 3, 2], 0, 4, 9, 9, 9, 9),
          lastPosition: narrow(1),
          totalLength: narrow(2),
          cos,
          sin,
        },
        { heads: 1, keyValueHeads: 1, scale: 1 },
      ),
      is: [
        [2, 3],
        [0, Math.log(3), -2, 0, 0, 0],
        [0, 4, 8, 0, 0, 0],
      ],
    },
  ],
  quantizedLinear: [
    { of: op.quantizedLinear(floats([1, 2], 3, 4), middle), is: [5] },
    { of: op.quantizedLinear(floats([1, 2], 3, 4), middle, floats([1], 10)), is: [15] },
    {
      of: op.quantizedLinear(floats([1, 2], 3, 4), { ...nibbles, zeroPoints: bytes([1, 1], 10) }),
      is: [-2],
    },
  ],
  rowQuantizedLinear: [
    {
      of: op.rowQuantizedLinear(
        floats([1, 2], 3, 4),
        { packed: signed([2, 2], 1, -2, 0, 5), scales: floats([2], 1, 0.5), sums: floats([2], 1, 3) },
        floats([2], 10, 0),
      ),
      is: [13, 7],
    },
  ],
  rowQuantizedGather: [
    {
      of: op.rowQuantizedGather(
        { packed: signed([2, 2], 1, -2, 0, 5), scales: floats([2], 1, 0.5), sums: floats([2], 1, 3) },
        whole([3], 1, 0, 1),
      ),
      is: [-1, 2.5, 1, 0, -1, 2.5],
    },
  ],
  quantizedGather: [
    {
      of: op.quantizedGather(
        {
          packed: bytes([2, 1, 2], 0, 0, 130, 127),
          scales: floats([2, 1], 1, 0.5),
          zeroPoints: undefined,
          bits: 8,
          blockSize: 2,
        },
        whole([1], 1),
        2,
      ),
      is: [1, -0.5],
    },
  ],
  gather: [{ of: op.gather(square, whole([3], 1, 0, 1)), is: [3, 4, 1, 2, 3, 4] }],
  gatherNd: [
    { of: op.gatherNd(square, whole([3, 2], 0, 1, 1, 0, 0, 1)), is: [2, 3, 2] },
    { of: op.gatherNd(square, whole([1, 1], 1)), is: [3, 4] },
  ],
  scatterNd: [
    { of: op.scatterNd(square, whole([1, 1], 1), floats([1, 2], 8, 9)), is: [1, 2, 8, 9] },
    { of: op.scatterNd(square, whole([2, 2], 0, 1, 0, 1), floats([2], 10, 100), "add"), is: [1, 112, 3, 4] },
  ],
  crossEntropy: [
    {
      of: op.crossEntropy(floats([2, 2], 0, 0, 0, Math.fround(Math.log(3))), whole([2], 1, 0)).node.outputs,
      is: [
        [Math.log(2), Math.log(4)],
        [-Math.log(2), -Math.log(2), -Math.log(4), Math.log(3) - Math.log(4)],
      ],
    },
  ],
};

describe.each(Object.entries(knownAnswers))("%s", (kind, list) => {
  test.each(list.map((known, i) => [i, known] as const))("known answer %i", (_, known) => {
    const outputs = [known.of].flat();
    const expected = known.is.every((value) => typeof value === "number") ? [known.is] : known.is;
    const values = op.interpret(outputs, known.feeds ?? {});
    expect(op.nodesOf(outputs).map((node) => node.kind)).toContain(kind);
    expect(values.length).toBe(expected.length);
    for (const [i, { data }] of values.entries()) {
      expect(data.length).toBe((expected[i] as number[]).length);
      // 1e-7: constants are float32.
      for (const [j, value] of data.entries()) {
        const wanted = (expected[i] as number[])[j];
        expect(Math.abs(value - wanted)).toBeLessThanOrEqual(2e-7 * Math.max(1, Math.abs(wanted)));
      }
    }
  });
});
