import * as op from "../index.ts";
import { randomStream } from "./random.ts";
import type { Traced } from "./row.ts";

const { dim } = op;
const largest = 48;

/** What a step may draw on while a random graph grows. */
interface Growth {
  /** A whole number 0 ≤ n < below. */
  readonly choose: (below: number) => number;
  /** A new parameter of these sizes, with values in ±1. */
  readonly parameter: (sizes: readonly number[]) => op.Tensor;
  /** Any tensor made so far. */
  readonly any: () => op.Tensor;
}

/** One way to continue from a tensor; undefined where it does not apply. */
type Move = (x: op.Tensor, growth: Growth) => op.Tensor | undefined;

const sizesOf = (x: op.Tensor): number[] => op.staticSizes(x.shape, "random graph");
const shapeOf = (sizes: readonly number[]): op.Shape => sizes.map((size, i) => dim(`axis${i}`, size));
const countOf = (x: op.Tensor): number => op.elementCount(sizesOf(x));
const positive = (x: op.Tensor): op.Tensor => op.add(op.sigmoid(x), op.scalar(0.5));
const asRows = (x: op.Tensor): op.Tensor => {
  const width = sizesOf(x).at(-1) ?? 1;
  return op.reshape(x, shapeOf([countOf(x) / width, width]));
};
const asHeads = (x: op.Tensor): op.Tensor => {
  const [rows, width] = sizesOf(asRows(x));
  return op.reshape(x, shapeOf([1, 1, rows, width]));
};

/** Indices [count, depth] that fit a tensor. */
function drawIndices(x: op.Tensor, count: number, depth: number, { choose }: Growth): op.Tensor {
  const sizes = sizesOf(x);
  const values = Array.from({ length: count * depth }, (_, i) => choose(sizes[i % depth]));
  return op.constant(op.int64(values, [count, depth]));
}

/** Different rows of the first axis, as indices [count, 1]. */
function someRows(x: op.Tensor, { choose }: Growth): op.Tensor {
  const rows = sizesOf(x)[0];
  const first = choose(rows);
  const values = Array.from({ length: 1 + choose(rows) }, (_, i) => (first + i) % rows);
  return op.constant(op.int64(values, [values.length, 1]));
}

const binary =
  (apply: (a: op.Tensor, b: op.Tensor) => op.Tensor): Move =>
  (x, growth) => {
    const other = growth.any();
    if (op.broadcastShapes(x.shape, other.shape)) return apply(x, other);
    const sizes = sizesOf(x).map((size) => (growth.choose(3) === 0 ? 1 : size));
    return apply(x, growth.parameter(sizes.slice(growth.choose(sizes.length + 1))));
  };

const alongAxis =
  (apply: (x: op.Tensor, axis: number, size: number, growth: Growth) => op.Tensor | undefined): Move =>
  (x, growth) => {
    const sizes = sizesOf(x);
    if (sizes.length === 0) return undefined;
    const axis = growth.choose(sizes.length);
    return apply(x, axis, sizes[axis], growth);
  };

const ranked =
  (rank: number, apply: Move): Move =>
  (x, growth) =>
    x.shape.length >= rank ? apply(x, growth) : undefined;

// Kept so that values stay small and every function smooth: what float32 loses then is far below the tolerance.
const moves: { readonly [K in op.OperatorKind]: Move | undefined } = {
  input: undefined,
  parameter: undefined,
  constant: (x) => op.mul(x, op.scalar(-0.75)),
  neg: (x) => op.neg(x),
  exp: (x) => op.exp(op.sigmoid(x)),
  log: (x) => op.log(positive(x)),
  sqrt: (x) => op.sqrt(positive(x)),
  reciprocal: (x) => op.reciprocal(positive(x)),
  sigmoid: (x) => op.sigmoid(x),
  tanh: (x) => op.tanh(x),
  erf: (x) => op.erf(x),
  // Finite differences see through it.
  detach: undefined,
  quickGelu: (x, { choose }) => op.quickGelu(x, choose(2) === 0 ? 1 : 1.702),
  add: binary(op.add),
  sub: binary(op.sub),
  mul: binary((a, b) => op.mul(op.sigmoid(a), b)),
  div: binary((a, b) => op.div(a, positive(b))),
  reshape: alongAxis((x, axis, size) => {
    const factors = size % 2 === 0 ? [2, size / 2] : [size, 1];
    return op.reshape(x, shapeOf(sizesOf(x).toSpliced(axis, 1, ...factors)));
  }),
  transpose: (x, { choose }) => {
    const axes = x.shape.map((_, i) => i);
    const turn = choose(axes.length + 1);
    return op.transpose(x, [...axes.slice(turn), ...axes.slice(0, turn)]);
  },
  expand: (x, { choose }) => op.expand(x, shapeOf([1 + choose(2), ...sizesOf(x)])),
  concat: alongAxis((x, axis, _, { parameter, choose }) =>
    op.concat(choose(2) === 0 ? [x, x] : [parameter(sizesOf(x).with(axis, 1)), x], axis),
  ),
  slice: alongAxis((x, axis, size, { choose }) => {
    const start = choose(size);
    return op.slice(x, axis, start, start + 1 + choose(size - start));
  }),
  split: alongAxis((x, axis, size, { choose }) => {
    if (size < 2) return undefined;
    const first = 1 + choose(size - 1);
    const parts = op.split(x, axis, [first, size - first]);
    return choose(2) === 0 ? parts[1] : op.concat([op.sigmoid(parts[1]), parts[0]], axis);
  }),
  pad: alongAxis((x, axis, _, { choose }) => op.pad(x, axis, choose(2), choose(2))),
  reduceSum: alongAxis((x, axis, _, { choose }) => op.reduceSum(x, choose(2) === 0 ? [axis] : undefined)),
  reduceMean: alongAxis((x, axis, _, { choose }) => op.reduceMean(x, choose(2) === 0 ? [axis] : undefined)),
  matmul: ranked(2, (x, { choose, parameter }) => {
    const [rows, width] = sizesOf(x).slice(-2);
    const transposeA = choose(2) === 0;
    const inner = transposeA ? rows : width;
    return choose(2) === 0
      ? op.matmul(x, parameter([inner, 2]), { transposeA, alpha: 0.5 })
      : op.matmul(x, parameter(x.shape.length < 4 ? [2, 1, 3, inner] : [3, inner]), {
          transposeA,
          transposeB: true,
        });
  }),
  linear: ranked(1, (x, { choose, parameter }) => {
    const width = sizesOf(x).at(-1)!;
    return op.linear(x, parameter([3, width]), choose(2) === 0 ? undefined : parameter([3]));
  }),
  softmax: ranked(1, (x) => op.softmax(x)),
  layerNorm: ranked(1, (x, { parameter }) => {
    const width = sizesOf(x).at(-1)!;
    return op.layerNorm(x, parameter([width]), parameter([width]), 0.3);
  }),
  rmsNorm: ranked(1, (x, { parameter }) => op.rmsNorm(x, parameter([sizesOf(x).at(-1)!]), 0.3)),
  rotary: ranked(1, (x, { choose }) => {
    const [rows, width] = sizesOf(asRows(x));
    if (width % 2 === 1) return undefined;
    const angles = Array.from({ length: (rows * width) / 2 }, (_, i) => i);
    const table = (wave: (angle: number) => number): op.Tensor =>
      op.constant(op.float32(angles.map(wave), [rows, width / 2]));
    const positions = Array.from({ length: rows }, () => choose(rows));
    return op.rotary(
      asHeads(x),
      op.constant(op.int64(positions, [1, rows])),
      table(Math.cos),
      table(Math.sin),
    );
  }),
  attention: ranked(1, (x, { choose, parameter }) => {
    const q = asHeads(x);
    const causal = choose(2) === 0;
    const keys = causal ? q : parameter(sizesOf(q).with(2, 3));
    const mask = choose(2) === 0 ? { mask: parameter([sizesOf(keys)[2]]) } : {};
    return op.attention(q, keys, choose(2) === 0 ? keys : op.sigmoid(keys), { scale: 0.5, causal, ...mask });
  }),
  cachedAttention: undefined,
  quantizedLinear: undefined,
  rowQuantizedLinear: undefined,
  quantizedGather: undefined,
  rowQuantizedGather: undefined,
  gather: ranked(1, (x, growth) => op.gather(x, drawIndices(x, 1 + growth.choose(4), 1, growth))),
  gatherNd: ranked(1, (x, growth) =>
    op.gatherNd(x, drawIndices(x, 1 + growth.choose(4), 1 + growth.choose(x.shape.length), growth)),
  ),
  scatterNd: ranked(1, (x, growth) => {
    if (growth.choose(2) === 0) {
      const at = someRows(x, growth);
      return op.scatterNd(x, at, growth.parameter([sizesOf(at)[0], ...sizesOf(x).slice(1)]));
    }
    const depth = 1 + growth.choose(x.shape.length);
    const at = drawIndices(x, 3, depth, growth);
    return op.scatterNd(x, at, growth.parameter([3, ...sizesOf(x).slice(depth)]), "add");
  }),
  crossEntropy: ranked(1, (x, { choose }) => {
    const [rows, width] = sizesOf(asRows(x));
    const labels = Array.from({ length: rows }, () => choose(width));
    return op.crossEntropy(asRows(x), op.constant(op.int64(labels, [rows])));
  }),
};

const everyMove = Object.values(moves).filter((move) => move !== undefined);

/**
 * A graph of as many random steps as there are choices, with values for its parameters. Its results are all
 * tensors that no later step used, so that everything in it counts.
 */
export function randomGraph(choices: readonly number[]): Traced {
  let random = randomStream("start");
  const parameters: Record<string, op.Tensor> = {};
  const values: Record<string, op.HostTensor> = {};
  const choose = (below: number): number => Math.floor(below * random());
  const parameter = (sizes: readonly number[]): op.Tensor => {
    const name = `parameter${Object.keys(parameters).length}`;
    const numbers = Array.from({ length: op.elementCount(sizes) }, () => 2 * random() - 1);
    values[name] = op.float32(numbers, sizes);
    parameters[name] = op.parameter(name, shapeOf(sizes), { kind: "constant", value: 0 });
    return parameters[name];
  };
  const made = [parameter([2, 3, 4])];
  const any = (): op.Tensor => made[choose(made.length)];
  for (const choice of choices) {
    // Each step decides by its own choice alone, so that leaving out others to find a small failure keeps it.
    random = randomStream(`${choice}`);
    // Mostly on from the latest tensor, so that graphs become deep.
    const from = choose(3) === 0 ? any() : made[made.length - 1];
    const next = everyMove[choice % everyMove.length](from, { choose, parameter, any });
    if (next && next.shape.length <= 4 && countOf(next) <= largest) made.push(next);
  }
  const used = new Set(op.nodesOf(made).flatMap((node) => node.inputs));
  // A step that was dropped may have left parameters behind, which no result depends on.
  const results = made.filter((tensor) => !used.has(tensor));
  const kept = new Set(op.nodesOf(results).flatMap((node) => node.outputs));
  const names = Object.keys(parameters).filter((name) => kept.has(parameters[name]));
  const only = <T>(all: Record<string, T>): Record<string, T> =>
    Object.fromEntries(names.map((name) => [name, all[name]]));
  return { placeholders: only(parameters), values: only(values), results };
}
