import { describe, expect, test } from "vitest";
import * as op from "./index.ts";

const { dim } = op;

const start = { kind: "constant", value: 0 } as const;
const floats = (name: string, ...shape: op.Dim[]): op.Tensor => op.input(name, "float32", shape);
const whole = (name: string, ...shape: op.Dim[]): op.Tensor => op.input(name, "int64", shape);
const weight = (name: string, ...shape: op.Dim[]): op.Tensor => op.parameter(name, shape, start);

const batch = dim("batch");
const tokens = dim("tokens");
const hidden = dim("hidden", 8);
const x = floats("x", batch, tokens, hidden);
const ids = whole("ids", batch, tokens);
const cos = floats("cos", dim("positions", 16), dim("half", 2));
const heads = floats("q", dim("batch", 2), dim("heads", 2), dim("tokens", 3), dim("headDim", 4));
const wide = floats("k", dim("batch", 2), dim("heads", 3), dim("tokens", 3), dim("headDim", 4));

const cache = floats("pastKey", batch, dim("keyValueHeads", 2), dim("capacity"), dim("headDim", 4));
const cached = {
  query: floats("query", batch, tokens, dim("width", 16)),
  key: floats("key", batch, tokens, dim("width", 8)),
  value: floats("value", batch, tokens, dim("width", 8)),
  pastKey: cache,
  pastValue: cache,
  lastPosition: op.input("lastPosition", "int32", [batch]),
  totalLength: op.input("totalLength", "int32", [dim("one", 1)]),
  cos,
  sin: cos,
};
const cachedSizes = { heads: 4, keyValueHeads: 2, scale: 1 };

// Every message names the operator, what must hold, and the operands by name with their named dimensions.
const mistakes: readonly (readonly [build: () => unknown, message: string])[] = [
  [() => op.sigmoid(ids), "sigmoid: operands are float32 (not int64), got ids [batch, tokens]"],
  [
    () => op.add(x, weight("bias", dim("wide", 9))),
    "add: shapes are equal or broadcast from the right, got x [batch, tokens, hidden 8] and bias [wide 9]",
  ],
  [
    () => op.mul(floats("a", dim("queries")), floats("b", dim("keys"))),
    "mul: shapes are equal or broadcast from the right, got a [queries] and b [keys]",
  ],
  [
    () => op.matmul(x, weight("table", dim("rows", 9), hidden)),
    "matmul: in a b the inner dimensions agree and the batch dimensions broadcast, got x [batch, tokens, hidden 8] and table [rows 9, hidden 8]",
  ],
  [
    () => op.matmul(x, weight("table", hidden, dim("out", 9)), { transposeB: true }),
    "matmul: in a bᵀ the inner dimensions agree",
  ],
  [() => op.matmul(x, weight("bias", hidden)), "matmul: both operands have two or more axes, got x ["],
  [
    () => op.linear(x, weight("layers.0.mlp.fc1.weight", dim("out", 4), dim("in", 9))),
    "linear: the operand's last dimension is the weight's [out, in] second, got x [batch, tokens, hidden 8] and layers.0.mlp.fc1.weight [out 4, in 9]",
  ],
  [
    () => op.linear(x, weight("fc1.weight", dim("out", 4), hidden), weight("fc1.bias", hidden)),
    "linear: the bias is as long as the weight's first dimension, got fc1.bias [hidden 8] and fc1.weight [out 4, hidden 8]",
  ],
  [
    () => op.rmsNorm(x, weight("norm.weight", dim("wide", 9)), 1e-6),
    "rmsNorm: weight and bias are vectors as long as the last dimension, got x [batch, tokens, hidden 8] and norm.weight [wide 9]",
  ],
  [
    () => op.layerNorm(x, weight("norm.weight", hidden), weight("norm.bias", dim("wide", 9)), 1e-6),
    "layerNorm: weight and bias are vectors as long as the last dimension, got x [batch, tokens, hidden 8] and norm.bias [wide 9]",
  ],
  [
    () => op.reshape(weight("w", dim("a", 2), dim("b", 3)), [dim("all", 5)]),
    "reshape: [all 5] has as many elements as the operand, got w [a 2, b 3]",
  ],
  [
    () => op.reshape(x, [dim("rows"), dim("more"), hidden]),
    "reshape: at most one symbolic dimension of [rows, more, hidden 8] changes, got x [batch, tokens, hidden 8]",
  ],
  [() => op.transpose(x, [0, 1]), "transpose: [0,1] names every axis once, got x [batch, tokens, hidden 8]"],
  [
    () => op.expand(weight("w", hidden), [dim("wide", 9)]),
    "expand: the operand broadcasts to the known sizes [wide 9], got w [hidden 8]",
  ],
  [
    () => op.concat([x, floats("y", batch, tokens, dim("wide", 9))], 1),
    "concat: operands agree in type and in every dimension but number 1, got x [batch, tokens, hidden 8] and y [batch, tokens, wide 9]",
  ],
  [() => op.concat([x, ids], 3), "concat: an axis of a rank-3 tensor lies in -3..2, got 3"],
  [() => op.slice(x, 1, 0, 2), "slice: 0 <= 0 < 2 <= size of dimension 1, got x [batch, tokens, hidden 8]"],
  [() => op.slice(x, 2, 3, 9), "slice: 0 <= 3 < 9 <= size of dimension 2, got x [batch"],
  [
    () => op.split(x, -1, [3, 4]),
    "split: the parts [3,4] are positive and add up to dimension 2, got x [batch, tokens, hidden 8]",
  ],
  [
    () => op.pad(x, 1, 1, 1),
    "pad: dimension 1 of a float32 operand has a known size, and padding is not negative, got x [batch",
  ],
  [() => op.reduceSum(x, [-4]), "reduceSum: an axis of a rank-3 tensor lies in -3..2, got -4"],
  [() => op.softmax(ids), "softmax: operands are float32 (not int64), got ids [batch, tokens]"],
  [
    () => op.rotary(heads, whole("positions", dim("batch", 2), dim("tokens", 4)), cos, cos),
    "rotary: positions are int64 [batch, tokens], got positions [batch 2, tokens 4] and q [batch 2, heads 2, tokens 3, headDim 4]",
  ],
  [
    () => op.rotary(x, ids, cos, cos),
    "rotary: x is [batch, heads, tokens, headDim], cos and sin [positions, headDim/2], got x [batch, tokens, hidden 8] and cos [positions 16, half 2]",
  ],
  [
    () => op.attention(heads, wide, wide, { scale: 1 }),
    "attention: q, k, v are [batch, heads, queries or keys, headDim], got q [batch 2, heads 2, tokens 3, headDim 4] and k [batch 2, heads 3,",
  ],
  [
    () => op.attention(heads, heads, heads, { scale: 1, mask: floats("mask", dim("keys", 5)) }),
    "attention: the mask broadcasts to [batch, heads, queries, keys], got mask [keys 5] and q [",
  ],
  [
    () => op.cachedAttention({ ...cached, query: cached.key }, cachedSizes),
    "cachedAttention: widths are heads · headDim and keyValueHeads · headDim, got key [batch, tokens, width 8]",
  ],
  [
    () => op.cachedAttention(cached, { ...cachedSizes, keyValueHeads: 1 }),
    "cachedAttention: widths are heads · headDim and keyValueHeads · headDim, got query [batch, tokens, width 16]",
  ],
  [
    () => op.cachedAttention({ ...cached, lastPosition: whole("last", batch) }, cachedSizes),
    "cachedAttention: lastPosition and totalLength are int32, got last [batch] and totalLength [one 1]",
  ],
  [
    () => op.gather(weight("embed_tokens.weight", dim("vocabulary", 9), hidden), x),
    "gather: indices are int64, got x [batch, tokens, hidden 8]",
  ],
  [
    () => op.gatherNd(x, whole("at", dim("count"), dim("depth", 4))),
    "gatherNd: indices are [count, depth] with 1 <= depth <= the operand's axes, got at [count, depth 4] and x [batch, tokens, hidden 8]",
  ],
  [
    () =>
      op.scatterNd(
        x,
        whole("at", dim("count"), dim("depth", 2)),
        floats("rows", dim("count"), dim("wide", 9)),
      ),
    "scatterNd: updates are [count, ...the operand's axes that indices leave], got x [batch, tokens, hidden 8] and at [count, depth 2] and rows [count, wide 9]",
  ],
  [
    () => op.crossEntropy(floats("logits", dim("rows", 3), hidden), whole("labels", dim("rows", 4))),
    "crossEntropy: logits are [rows, vocabulary] and labels [rows], got logits [rows 3, hidden 8] and labels [rows 4]",
  ],
  [
    () => op.add(op.linear(x, weight("w", dim("out", 4), hidden)), x),
    "add: shapes are equal or broadcast from the right, got result of linear [batch, tokens, out 4] and x [batch, tokens, hidden 8]",
  ],
];

describe("operands that do not fit", () => {
  test.each(mistakes.map(([build, message]) => [message, build] as const))("%s", (message, build) => {
    expect(build).toThrow(message);
  });
});

describe("dimensions", () => {
  test("sizes are whole numbers", () => {
    expect(() => dim("batch", 1.5)).toThrow(
      "dimension batch: a size is a whole number of at least 0, got 1.5",
    );
  });

  test("merging keeps the names, and the size where all are known", () => {
    expect(op.mergedDim(dim("batch", 2), dim("tokens", 3))).toEqual({ name: "batch·tokens", size: 6 });
    expect(op.mergedDim(dim("batch"), dim("tokens", 3))).toEqual({ name: "batch·tokens", size: undefined });
  });

  test("a symbolic dimension where a size is needed", () => {
    expect(() => op.staticSizes(x.shape, "gradient of slice")).toThrow(
      "gradient of slice: needs known sizes, but batch of [batch, tokens, hidden 8] is symbolic; build the graph with a size for it",
    );
  });
});

describe("the parameter scope", () => {
  test("the same name is the same parameter", () => {
    const scope = op.rootScope();
    const first = scope.at("layers.0").parameter("weight", [hidden], start);
    expect(scope.parameter("layers.0.weight", [hidden], start)).toBe(first);
    expect([...scope.parameters().keys()]).toEqual(["layers.0.weight"]);
  });

  test("the same name with another shape", () => {
    const scope = op.rootScope();
    scope.parameter("weight", [hidden], start);
    expect(() => scope.parameter("weight", [dim("wide", 9)], start)).toThrow(
      "parameter weight: asked for as [wide 9], but it is [hidden 8]",
    );
  });

  test("which parameters learn, and which layers have a low-rank addition, is the scope's to say", () => {
    const scope = op.rootScope({
      trained: (name) => name.includes("lora"),
      lora: { rank: 2, alpha: 4, targets: (layer) => layer.endsWith("q_proj") },
    });
    const layer = [dim("out", 6), hidden];
    expect(scope.at("k_proj").lora(layer)).toBeUndefined();
    const lora = scope.at("q_proj").lora(layer)!;
    expect(op.showTensor(lora.a)).toBe("q_proj.lora_A.weight [rank 2, hidden 8]");
    expect(op.showTensor(lora.b)).toBe("q_proj.lora_B.weight [out 6, rank 2]");
    expect(lora.scale).toBe(2);
    expect(lora.a.node.attributes).toMatchObject({ trained: true });
    expect(scope.parameter("weight", [hidden], start).node.attributes).toMatchObject({ trained: false });
  });
});

describe("graphs", () => {
  test("placeholders by name, parameters apart from inputs", () => {
    const w = weight("w", hidden);
    const { inputs, parameters } = op.placeholdersOf({
      name: "g",
      outputs: { y: op.mul(x, w), z: op.add(x, w) },
    });
    expect([[...inputs.keys()], [...parameters.keys()]]).toEqual([["x"], ["w"]]);
  });

  test("two placeholders of one name", () => {
    const graph = { name: "forward", outputs: { y: op.mul(x, weight("x", hidden)) } };
    expect(() => op.placeholdersOf(graph)).toThrow(
      "graph forward: two different placeholders are named x; names are unique",
    );
  });
});

test("host tensors hold as many numbers as their sizes say", () => {
  expect(() => op.float32([1, 2, 3], [2, 2])).toThrow("float32: sizes [2, 2] hold 4 elements, got 3");
  expect(op.int64([-1, 5], [2]).data).toEqual(new BigInt64Array([-1n, 5n]));
  const buffer = new ArrayBuffer(16);
  op.tensorView("float32", [2], buffer, 8).data.set([7, 8]);
  expect([...new Float32Array(buffer)]).toEqual([0, 0, 7, 8]);
});
