import {
  add,
  attention,
  concat,
  type Dim,
  dim,
  expand,
  type Initial,
  mul,
  pad,
  type Scope,
  silu,
  slice,
  type Tensor,
} from "../tensor/index.ts";
import type { OwlConfig } from "./config.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { layerNormLayer, linearLayer } from "./layers.ts";

/** LayerNorm's own default, which the reference leaves for the norms around attention. */
const NORM_EPSILON = 1e-5;

/** Positions a picture takes in the text: its queries and the learned end row. */
export function tokensPerImage(config: OwlConfig): number {
  return config.numQueryTokens + 1;
}

export interface AbstractorStates {
  /** After each layer, each [images, queries, hidden]. */
  readonly layers: readonly Tensor[];
  /** In the language model's width, end row last: [images, queries + 1, language hidden]. */
  readonly lastHiddenState: Tensor;
}

/**
 * The visual abstractor (paper §3.1): learned queries read the patches and become the picture's tokens.
 *
 * @param scope at the root: `query_tokens` lies beside `abstractor.*`
 * @param patches float32 [images, patches + 1, hidden], the vision encoder's last hidden state
 */
export function visualAbstractor(scope: Scope, patches: Tensor, config: OwlConfig): AbstractorStates {
  const hidden = dim("hidden", config.abstractor.hidden);
  const initial: Initial = { kind: "normal", deviation: config.abstractor.initializerRange };
  const queries = dim("queries", config.numQueryTokens);
  const learned = scope.parameter("query_tokens", [dim("one", 1), queries, hidden], initial);
  const abstractor = scope.at("abstractor");
  const layers: Tensor[] = [];
  let x = forEachImage(learned, patches);
  for (let i = 0; i < config.abstractor.layers; i++) {
    x = abstractorLayer(abstractor.at(`encoder.layers.${i}.crossattention`), x, patches, hidden, config);
    layers.push(x);
  }
  return { layers, lastHiddenState: toLanguageWidth(abstractor, x, config) };
}

/** The learned queries [1, queries, hidden] once for each picture. */
function forEachImage(queries: Tensor, patches: Tensor): Tensor {
  const [images] = patches.shape;
  const [, count, hidden] = queries.shape;
  if (images.size !== undefined) return expand(queries, [images, count, hidden]);
  // Nothing repeats to a number that is known only at run time; padding in front of the patches is that shape.
  return add(slice(pad(patches, 1, count.size!, 0), 1, 0, count.size!), queries);
}

function abstractorLayer(
  scope: Scope,
  queries: Tensor,
  patches: Tensor,
  hidden: Dim,
  config: OwlConfig,
): Tensor {
  const linearOptions = { bias: true, deviation: config.abstractor.initializerRange };
  const { heads } = config.abstractor;
  const normal = layerNormLayer(scope.at("norm1"), queries, NORM_EPSILON);
  const context = concat([normal, layerNormLayer(scope.at("normk"), patches, NORM_EPSILON)], 1, "context");
  const project = (name: string, x: Tensor): Tensor =>
    splitHeads(linearLayer(scope.at(`attention.${name}`), x, hidden, linearOptions), heads);
  const seen = attention(project("query", normal), project("key", context), project("value", context), {
    scale: 1 / Math.sqrt(config.abstractor.hidden / heads),
  });
  const output = scope.at("output");
  const projected = linearLayer(output.at("out_proj"), joinHeads(seen, hidden), hidden, linearOptions);
  // The residual starts from the normalised queries.
  const attended = add(normal, projected);
  const inner = layerNormLayer(output.at("norm2"), attended, NORM_EPSILON);
  return add(attended, gatedMlp(output.at("mlp"), inner, hidden, config));
}

/** w2(ffn_ln(silu(w1 x) · w3 x)) */
function gatedMlp(scope: Scope, x: Tensor, hidden: Dim, config: OwlConfig): Tensor {
  const { intermediate, epsilon, initializerRange } = config.abstractor;
  const linearOptions = { bias: true, deviation: initializerRange };
  const wide = dim("intermediate", intermediate);
  const gate = silu(linearLayer(scope.at("w1"), x, wide, linearOptions));
  const gated = mul(gate, linearLayer(scope.at("w3"), x, wide, linearOptions));
  return linearLayer(
    scope.at("w2"),
    layerNormLayer(scope.at("ffn_ln"), gated, epsilon),
    hidden,
    linearOptions,
  );
}

function toLanguageWidth(scope: Scope, x: Tensor, config: OwlConfig): Tensor {
  const options = { bias: true, deviation: config.abstractor.initializerRange };
  const hidden = dim("hidden", config.language.hidden);
  const one = dim("one", 1);
  const rows = linearLayer(scope.at("visual_fc"), x, hidden, options);
  const end = scope.parameter("vit_eos", [one, one, hidden], {
    kind: "normal",
    deviation: config.abstractor.initializerRange,
  });
  return add(pad(rows, 1, 0, 1), pad(end, 1, config.numQueryTokens, 0));
}
