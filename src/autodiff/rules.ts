import {
  add,
  concat,
  constant,
  dim,
  div,
  exp,
  expand,
  type GraphNode,
  gatherNd,
  int64,
  isKind,
  matmul,
  mul,
  neg,
  type OperatorAttributes,
  type OperatorKind,
  pad,
  reduceMean,
  reduceSum,
  reshape,
  rotary,
  scalar,
  scatterNd,
  sigmoid,
  slice,
  staticSizes,
  sub,
  type Tensor,
  transpose,
} from "../tensor/index.ts";

/** What a gradient rule gets: the node's operands and results, and the gradients of the results. */
export interface RuleContext<K extends OperatorKind> {
  readonly node: GraphNode<K>;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: OperatorAttributes[K];
  /** Gradient of the first result. The further results of most operators are statistics that get no gradient. */
  readonly gradient: Tensor;
  /** The gradient of each result; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Whether the gradient of input i is wanted. */
  readonly needs: (index: number) => boolean;
}

/** Gradients of the operands, in their order; undefined where there is none or none is wanted. */
export type GradientRule<K extends OperatorKind> = (
  context: RuleContext<K>,
) => readonly (Tensor | undefined)[];

const none = (): readonly undefined[] => [];

const unpacked = "train the checkpoint it was converted from";

const notDifferentiable = (kind: OperatorKind, instead: string) => (): never => {
  throw new TypeError(`gradient of ${kind}: it is for inference only; ${instead}`);
};

/** A zero tensor of known sizes. */
function zeros(like: Tensor): Tensor {
  return expand(scalar(0), like.shape);
}

/** Sums a gradient down to an operand's shape, undoing broadcasting. */
export function unbroadcast(gradient: Tensor, operand: Tensor): Tensor {
  const extra = gradient.shape.length - operand.shape.length;
  const axes = gradient.shape.flatMap((d, i) =>
    i < extra || (operand.shape[i - extra].size === 1 && d.size !== 1) ? [i] : [],
  );
  return axes.length === 0 ? gradient : reshape(reduceSum(gradient, axes), operand.shape);
}

/** x [..., width] as [rows, width]. */
function asRows(x: Tensor): Tensor {
  const sizes = staticSizes(x.shape, "gradient of a product");
  const rows = sizes.slice(0, -1).reduce((product, size) => product * size, 1);
  return reshape(x, [dim("rows", rows), x.shape.at(-1)!]);
}

function matmulRule({
  inputs: [a, b],
  attributes,
  gradient,
  needs,
}: RuleContext<"matmul">): (Tensor | undefined)[] {
  const { transposeA, transposeB, alpha } = attributes;
  const ofA = (): Tensor =>
    transposeA
      ? matmul(b, gradient, { transposeA: transposeB, transposeB: true, alpha })
      : matmul(gradient, b, { transposeB: !transposeB, alpha });
  const ofB = (): Tensor =>
    transposeB
      ? matmul(gradient, a, { transposeA: true, transposeB: transposeA, alpha })
      : matmul(a, gradient, { transposeA: !transposeA, alpha });
  return [needs(0) ? ofA() : undefined, needs(1) ? ofB() : undefined];
}

function linearRule({ inputs: [x, weight], gradient, needs }: RuleContext<"linear">): (Tensor | undefined)[] {
  const rows = asRows(gradient);
  return [
    needs(0) ? reshape(matmul(rows, weight), x.shape) : undefined,
    needs(1) ? matmul(rows, asRows(x), { transposeA: true }) : undefined,
    needs(2) ? reshape(reduceSum(rows, [0]), [weight.shape[0]]) : undefined,
  ];
}

/** dx = w · σ + alpha · y · (1 − σ) with y = x σ, so the forward result serves again. */
function quickGeluRule({
  inputs: [x],
  outputs: [y],
  attributes,
  gradient,
}: RuleContext<"quickGelu">): Tensor[] {
  const { alpha } = attributes;
  const sigma = sigmoid(alpha === 1 ? x : mul(x, scalar(alpha)));
  const rest = sub(scalar(1), sigma);
  return [mul(gradient, add(sigma, mul(alpha === 1 ? y : mul(y, scalar(alpha)), rest)))];
}

function softmaxRule({ outputs: [y], gradient }: RuleContext<"softmax">): Tensor[] {
  return [mul(y, sub(gradient, reduceSum(mul(gradient, y), [-1])))];
}

function layerNormRule({
  inputs: [x, weight],
  outputs: [, mean, inverse],
  gradient,
  needs,
}: RuleContext<"layerNorm">): (Tensor | undefined)[] {
  const normal = mul(sub(x, mean), inverse);
  const ofX = (): Tensor => {
    const scaled = mul(gradient, weight);
    const along = reduceMean(mul(scaled, normal), [-1]);
    return mul(inverse, sub(sub(scaled, reduceMean(scaled, [-1])), mul(normal, along)));
  };
  return [
    needs(0) ? ofX() : undefined,
    needs(1) ? columnSums(mul(gradient, normal)) : undefined,
    needs(2) ? columnSums(gradient) : undefined,
  ];
}

/** Sums over every axis but the last: [..., width] → [width]. */
function columnSums(x: Tensor): Tensor {
  const axes = x.shape.slice(0, -1).map((_, i) => i);
  return reshape(reduceSum(x, axes), [x.shape.at(-1)!]);
}

function rmsNormRule({
  inputs: [x, weight],
  outputs,
  gradient,
  needs,
}: RuleContext<"rmsNorm">): (Tensor | undefined)[] {
  const normal = mul(x, outputs[1]);
  const ofX = (): Tensor => {
    const scaled = mul(gradient, weight);
    return mul(outputs[1], sub(scaled, mul(normal, reduceMean(mul(scaled, normal), [-1]))));
  };
  return [needs(0) ? ofX() : undefined, needs(1) ? columnSums(mul(gradient, normal)) : undefined];
}

/** With P the probabilities: dS = P ∘ (dP − rowsum(dO ∘ O)); the row sums cost headDim, not keys. */
function attentionRule({
  inputs,
  outputs,
  attributes,
  gradient,
  needs,
}: RuleContext<"attention">): (Tensor | undefined)[] {
  const [q, k, v, mask] = inputs;
  const [context, probabilities] = outputs;
  const { scale } = attributes;
  const ofV = needs(2) ? matmul(probabilities, gradient, { transposeA: true }) : undefined;
  if (!needs(0) && !needs(1) && !needs(3)) return [undefined, undefined, ofV];
  const ofProbabilities = matmul(gradient, v, { transposeB: true });
  const ofScores = mul(probabilities, sub(ofProbabilities, reduceSum(mul(gradient, context), [-1])));
  return [
    needs(0) ? matmul(ofScores, k, { alpha: scale }) : undefined,
    needs(1) ? matmul(ofScores, q, { transposeA: true, alpha: scale }) : undefined,
    ofV,
    mask && needs(3) ? unbroadcast(ofScores, mask) : undefined,
  ];
}

function concatRule({
  inputs,
  attributes: { axis },
  gradient,
  needs,
}: RuleContext<"concat">): (Tensor | undefined)[] {
  let start = 0;
  return inputs.map((part, i) => {
    const [size] = staticSizes([part.shape[axis]], "gradient of concat");
    start += size;
    return needs(i) && size > 0 ? slice(gradient, axis, start - size, start) : undefined;
  });
}

function splitRule({ outputs, attributes: { axis }, gradients }: RuleContext<"split">): Tensor[] {
  const parts = outputs.map((part, i) => gradients[i] ?? zeros(part));
  return [concat(parts, axis)];
}

function sliceRule({ inputs: [x], attributes, gradient }: RuleContext<"slice">): Tensor[] {
  const [size] = staticSizes([x.shape[attributes.axis]], "gradient of slice");
  return [pad(gradient, attributes.axis, attributes.start, size - attributes.end)];
}

function gatherRule({ inputs: [table, indices], gradient }: RuleContext<"gather">): Tensor[] {
  const count = staticSizes(indices.shape, "gradient of gather").reduce((product, size) => product * size, 1);
  const rows = reshape(indices, [dim("count", count), dim("depth", 1)]);
  const updates = reshape(gradient, [dim("count", count), ...table.shape.slice(1)]);
  return [scatterNd(zeros(table), rows, updates, "add")];
}

function scatterNdRule({
  inputs: [, indices, updates],
  attributes,
  gradient,
  needs,
}: RuleContext<"scatterNd">): (Tensor | undefined)[] {
  const replaced = attributes.reduction === "none";
  const ofX = (): Tensor => (replaced ? scatterNd(gradient, indices, zeros(updates)) : gradient);
  return [needs(0) ? ofX() : undefined, undefined, needs(2) ? gatherNd(gradient, indices) : undefined];
}

/** softmax − onehot, each row times its incoming gradient; the one-hot part touches one entry a row. */
function crossEntropyRule({
  inputs: [logits, labels],
  outputs,
  gradient,
}: RuleContext<"crossEntropy">): Tensor[] {
  const [rows] = staticSizes(labels.shape, "gradient of crossEntropy");
  const count = labels.shape[0];
  const numbers = constant(
    int64(
      Array.from({ length: rows }, (_, i) => i),
      [rows, 1],
    ),
    [count.name, "one"],
  );
  const entries = concat([numbers, reshape(labels, [count, dim("one", 1)])], 1, "depth");
  const smooth = mul(exp(outputs[1]), reshape(gradient, [logits.shape[0], dim("one", 1)]));
  return [scatterNd(smooth, entries, neg(gradient), "add")];
}

/** The gradient rule of each operator. Complete by type: a new operator without a rule does not compile. */
export const gradientRules: { readonly [K in OperatorKind]: GradientRule<K> } = {
  input: none,
  parameter: none,
  constant: none,
  neg: ({ gradient }) => [neg(gradient)],
  exp: ({ outputs: [y], gradient }) => [mul(gradient, y)],
  log: ({ inputs: [x], gradient }) => [div(gradient, x)],
  sqrt: ({ outputs: [y], gradient }) => [div(mul(gradient, scalar(0.5)), y)],
  reciprocal: ({ outputs: [y], gradient }) => [neg(mul(gradient, mul(y, y)))],
  sigmoid: ({ outputs: [y], gradient }) => [mul(gradient, mul(y, sub(scalar(1), y)))],
  tanh: ({ outputs: [y], gradient }) => [mul(gradient, sub(scalar(1), mul(y, y)))],
  // The derivative is 2/√π e^(−x²).
  erf: ({ inputs: [x], gradient }) => [
    mul(gradient, mul(exp(neg(mul(x, x))), scalar(2 / Math.sqrt(Math.PI)))),
  ],
  detach: none,
  quickGelu: quickGeluRule,
  add: ({ gradient }) => [gradient, gradient],
  sub: ({ gradient, needs }) => [gradient, needs(1) ? neg(gradient) : undefined],
  mul: ({ inputs: [a, b], gradient, needs }) => [
    needs(0) ? mul(gradient, b) : undefined,
    needs(1) ? mul(gradient, a) : undefined,
  ],
  div: ({ inputs: [, b], outputs: [y], gradient, needs }) => [
    needs(0) ? div(gradient, b) : undefined,
    needs(1) ? neg(div(mul(gradient, y), b)) : undefined,
  ],
  reshape: ({ inputs: [x], gradient }) => [reshape(gradient, x.shape)],
  transpose: ({ attributes: { permutation }, gradient }) => [
    transpose(
      gradient,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ],
  expand: ({ gradient }) => [gradient],
  concat: concatRule,
  slice: sliceRule,
  split: splitRule,
  pad: ({ inputs: [x], attributes: { axis, before }, gradient }) => [
    slice(gradient, axis, before, before + x.shape[axis].size!),
  ],
  reduceSum: ({ inputs: [x], gradient }) => [expand(gradient, x.shape)],
  reduceMean: ({ inputs: [x], attributes: { axes }, gradient }) => {
    const count = staticSizes(x.shape, "gradient of reduceMean").reduce(
      (n, size, i) => (axes.includes(i) ? n * size : n),
      1,
    );
    return [expand(mul(gradient, scalar(1 / count)), x.shape)];
  },
  matmul: matmulRule,
  linear: linearRule,
  quantizedLinear: notDifferentiable("quantizedLinear", unpacked),
  rowQuantizedLinear: notDifferentiable("rowQuantizedLinear", unpacked),
  softmax: softmaxRule,
  layerNorm: layerNormRule,
  rmsNorm: rmsNormRule,
  // A rotation's inverse turns the other way, and the gradient of a rotation is its inverse.
  rotary: ({ inputs: [, positions, cos, sin], gradient }) => [rotary(gradient, positions, cos, neg(sin))],
  attention: attentionRule,
  cachedAttention: notDifferentiable("cachedAttention", "trace the model without a KV cache for training"),
  gather: gatherRule,
  quantizedGather: notDifferentiable("quantizedGather", unpacked),
  rowQuantizedGather: notDifferentiable("rowQuantizedGather", unpacked),
  gatherNd: ({ inputs: [x, indices], gradient }) => [scatterNd(zeros(x), indices, gradient, "add")],
  scatterNd: scatterNdRule,
  crossEntropy: crossEntropyRule,
};

/** Applies the rule of a node's kind to the gradients that reached its results. */
export function applyRule(
  node: GraphNode,
  gradients: readonly (Tensor | undefined)[],
  needs: (index: number) => boolean,
): readonly (Tensor | undefined)[] {
  return applyTyped(node, node.kind, gradients, needs);
}

function applyTyped<K extends OperatorKind>(
  node: GraphNode,
  kind: K,
  gradients: readonly (Tensor | undefined)[],
  needs: (index: number) => boolean,
): readonly (Tensor | undefined)[] {
  if (!isKind(node, kind)) throw new TypeError(`node of kind ${node.kind} given to the rule of ${kind}`);
  const { inputs, outputs, attributes } = node;
  const gradient = gradients[0] ?? zeros(outputs[0]);
  return gradientRules[kind]({ node, inputs, outputs, attributes, gradient, gradients, needs });
}
