import {
  add,
  attention,
  attentionProbabilities,
  concat,
  type Dim,
  dim,
  expand,
  mul,
  pad,
  reshape,
  type Scope,
  silu,
  slice,
  split,
  type Tensor,
} from "../tensor/index.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { layerNormLayer, linearLayer } from "./layers.ts";
import type { OwlConfig } from "./owl-config.ts";
import { patchPositions, queryPositions } from "./sine-positions.ts";
import { withTilePositions } from "./tile-positions.ts";
import { patchCount } from "./vision/patches.ts";
import { prefixTokens } from "./vision-encoder.ts";

/** PyTorch's default for LayerNorm, which the reference does not change for the norms around attention. */
const NORM_EPSILON = 1e-5;

/**
 * Visual tokens of a picture, a tile of one or a video: its queries and the learned EOS embedding, each with a position of the text; with a
 * projector its patches, which have none.
 */
export function tokensPerImage(config: OwlConfig): number {
  return config.projector === undefined ? config.numQueryTokens + 1 : patchCount(config.vision);
}

export interface AbstractorStates {
  /** After each layer, each [images, queries, hidden]; of videos [videos, 2 · queries, hidden]. */
  readonly layers: readonly Tensor[];
  /**
   * Attention probabilities of each layer, [images, heads, queries, queries + vision tokens]: a query attends to the
   * queries and to all tokens of the vision encoder.
   */
  readonly attention: readonly Tensor[];
  /** In the language model's width, the EOS embedding last: [images, queries + 1, language hidden]. */
  readonly lastHiddenState: Tensor;
}

/**
 * The visual abstractor (paper §3.1): learned queries read the patches and become the picture's tokens.
 *
 * @param scope at the root: `query_tokens` lies beside `abstractor.*`
 * @param patches float32 [images, vision tokens, hidden], the vision encoder's last hidden state
 */
export function visualAbstractor(scope: Scope, patches: Tensor, config: OwlConfig): AbstractorStates {
  const { layers, attention } = abstractorLayers(
    scope.at("abstractor"),
    learnedQueries(scope, "query_tokens", config),
    patches,
    config,
  );
  const queries = withTilePositions(scope.at("abstractor"), layers[layers.length - 1], config);
  const rows = projectToLanguage(scope.at("abstractor.visual_fc"), queries, config);
  return { layers, attention, lastHiddenState: appendEosEmbedding(scope.at("abstractor"), rows, config) };
}

/**
 * The abstractor of the video version on videos (reference: mplug_owl_video): beside the queries of pictures as many
 * temporal ones read the patches of all frames, and the results of the two are added.
 *
 * @param scope at the root
 * @param patches float32 [videos · frames, vision tokens, hidden], the frames of a video one after the other
 * @returns states of [videos, …]; `lastHiddenState` [videos, queries + 1, language hidden]
 */
export function videoAbstractor(
  scope: Scope,
  patches: Tensor,
  config: OwlConfig,
  frames: number,
): AbstractorStates {
  const [images, tokens, hidden] = patches.shape;
  const videos = images.size === undefined ? dim("videos") : dim("videos", images.size / frames);
  const ofVideos = reshape(patches, [videos, dim("frames·tokens", frames * tokens.size!), hidden]);
  const own = learnedQueries(scope, "query_tokens", config);
  const temporal = learnedQueries(scope, "temporal_query_tokens", config);
  const abstractor = scope.at("abstractor");
  const { layers, attention } = abstractorLayers(
    abstractor,
    concat([own, temporal], 1, "queries"),
    ofVideos,
    config,
  );
  const count = config.numQueryTokens;
  const [first, second] = split(layers[layers.length - 1], 1, [count, count]);
  const rows = add(
    projectToLanguage(abstractor.at("visual_fc"), first, config),
    projectToLanguage(abstractor.at("temporal_visual_fc"), second, config),
  );
  return { layers, attention, lastHiddenState: appendEosEmbedding(abstractor, rows, config) };
}

/** [1, queries, hidden] */
function learnedQueries(scope: Scope, name: string, { abstractor, numQueryTokens }: OwlConfig): Tensor {
  const shape = [dim("one", 1), dim("queries", numQueryTokens), dim("hidden", abstractor.hidden)];
  return scope.parameter(name, shape, { kind: "normal", deviation: abstractor.initializerRange }, "token");
}

/** The learned queries [1, queries, hidden] after each layer, [images, queries, hidden], and the attention of each layer. */
function abstractorLayers(
  scope: Scope,
  queries: Tensor,
  patches: Tensor,
  config: OwlConfig,
): Pick<AbstractorStates, "layers" | "attention"> {
  const hidden = dim("hidden", config.abstractor.hidden);
  const layers: Tensor[] = [];
  const attention: Tensor[] = [];
  const positions = config.abstractor.grid === undefined ? undefined : positionsOf(config);
  let x = repeatForEachImage(queries, patches);
  for (let i = 0; i < config.abstractor.layers; i++) {
    const layer = abstractorLayer(
      scope.at(`encoder.layers.${i}.crossattention`),
      { queries: x, patches, positions },
      hidden,
      config,
    );
    x = layer.state;
    layers.push(x);
    attention.push(layer.attention);
  }
  return { layers, attention };
}

/** The learned queries [1, queries, hidden] once for each picture. */
function repeatForEachImage(queries: Tensor, patches: Tensor): Tensor {
  const [images] = patches.shape;
  const [, count, hidden] = queries.shape;
  if (images.size !== undefined) return expand(queries, [images, count, hidden]);
  // No operator repeats to a size that is known only at run time, but padding the patches in front has that shape.
  return add(slice(pad(patches, 1, count.size!, 0), 1, 0, count.size!), queries);
}

/** What is added to what queries and keys are made of; values have none. */
interface Positions {
  /** [queries, hidden] */
  readonly ofQueries: Tensor;
  /** Of queries and patches, which are keys together: [queries + vision tokens, hidden]. */
  readonly ofKeys: Tensor;
}

function positionsOf({ abstractor: { hidden, grid }, numQueryTokens, vision }: OwlConfig): Positions {
  const ofQueries = queryPositions(numQueryTokens, hidden);
  const ofPatches = patchPositions(grid!, hidden, prefixTokens(vision));
  return { ofQueries, ofKeys: concat([ofQueries, ofPatches], 0, "context") };
}

/** What goes into a layer. */
interface LayerOperands {
  readonly queries: Tensor;
  readonly patches: Tensor;
  readonly positions: Positions | undefined;
}

function abstractorLayer(
  scope: Scope,
  { queries, patches, positions }: LayerOperands,
  hidden: Dim,
  config: OwlConfig,
): { state: Tensor; attention: Tensor } {
  const linearOptions = { bias: true, deviation: config.abstractor.initializerRange };
  const { heads } = config.abstractor;
  const normal = layerNormLayer(scope.at("norm1"), queries, NORM_EPSILON);
  const keys = concat([normal, layerNormLayer(scope.at("normk"), patches, NORM_EPSILON)], 1, "context");
  const project = (name: string, x: Tensor): Tensor =>
    splitHeads(linearLayer(scope.at(`attention.${name}`), x, hidden, linearOptions), heads);
  const placed = (x: Tensor, at: Tensor | undefined): Tensor => (at === undefined ? x : add(x, at));
  const query = project("query", placed(normal, positions?.ofQueries));
  const key = project("key", placed(keys, positions?.ofKeys));
  const context = attention(query, key, project("value", keys), {
    scale: 1 / Math.sqrt(config.abstractor.hidden / heads),
  });
  const output = scope.at("output");
  const projected = linearLayer(output.at("out_proj"), joinHeads(context, hidden), hidden, linearOptions);
  // The residual starts from the normalised queries.
  const attended = add(normal, projected);
  const inner = layerNormLayer(output.at("norm2"), attended, NORM_EPSILON);
  const state = add(attended, gatedMlp(output.at("mlp"), inner, hidden, config));
  return { state, attention: attentionProbabilities(context) };
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

/** Projects the queries to the language model's width. */
function projectToLanguage(scope: Scope, x: Tensor, { abstractor, language }: OwlConfig): Tensor {
  const options = { bias: true, deviation: abstractor.initializerRange };
  return linearLayer(scope, x, dim("hidden", language.hidden), options);
}

function appendEosEmbedding(scope: Scope, rows: Tensor, config: OwlConfig): Tensor {
  const one = dim("one", 1);
  const initial = { kind: "normal", deviation: config.abstractor.initializerRange } as const;
  const shape = [one, one, dim("hidden", config.language.hidden)];
  const end = scope.parameter("vit_eos", shape, initial, "token");
  return add(pad(rows, 1, 0, 1), pad(end, 1, config.numQueryTokens, 0));
}
