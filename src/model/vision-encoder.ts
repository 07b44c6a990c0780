import {
  add,
  attention,
  type Dim,
  dim,
  type Initial,
  linear,
  pad,
  quickGelu,
  reshape,
  type Scope,
  split,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import type { VisionConfig } from "./config.ts";
import { joinHeads } from "./heads.ts";
import { gelu, layerNormLayer, linearLayer, QUICK_GELU } from "./layers.ts";
import { acrossFrames } from "./temporal.ts";

/** Patches of a picture, without the class token. */
export function patchCount(config: VisionConfig): number {
  return (config.imageSize / config.patchSize) ** 2;
}

export interface VisionStates {
  /** After `pre_layernorm` and after each layer, each [images, patches + 1, hidden]; a video's frames are images. */
  readonly hiddenStates: readonly Tensor[];
  /** After `post_layernorm` over all tokens: what the abstractor sees. [images, patches + 1, hidden] */
  readonly lastHiddenState: Tensor;
}

/**
 * The "visual knowledge module" of the paper (§3.1): CLIP's ViT with a normalisation before the first layer.
 *
 * @param scope at the published `vision_model`
 * @param pixels float32 [images, 3, imageSize, imageSize], normalised; `images` may be symbolic
 * @param frames that many images are a video: each layer first looks at the frames before and after its own
 */
export function visionEncoder(
  scope: Scope,
  pixels: Tensor,
  config: VisionConfig,
  frames?: number,
): VisionStates {
  const hidden = dim("hidden", config.hidden);
  const embeddings = scope.at("embeddings");
  const start = embedPatches(embeddings, pixels, hidden, config);
  const hiddenStates = [layerNormLayer(embeddings.at("pre_layernorm"), start, config.epsilon)];
  for (let i = 0; i < config.layers; i++) {
    hiddenStates.push(visionLayer(scope.at(`encoder.layers.${i}`), hiddenStates[i], config, frames));
  }
  const last = layerNormLayer(scope.at("post_layernorm"), hiddenStates[config.layers], config.epsilon);
  return { hiddenStates, lastHiddenState: last };
}

/** A convolution whose stride is its size is one product over the patches' pixels. */
function embedPatches(scope: Scope, pixels: Tensor, hidden: Dim, config: VisionConfig): Tensor {
  const initial: Initial = { kind: "normal", deviation: config.initializerRange };
  const [images, channels] = pixels.shape;
  const side = dim("side", config.imageSize / config.patchSize);
  const pixel = dim("pixel", config.patchSize);
  const patches = dim("patches", patchCount(config));
  const area = dim("channels·pixels", 3 * config.patchSize ** 2);
  const grid = reshape(pixels, [images, channels, side, pixel, side, pixel]);
  const rows = reshape(transpose(grid, [0, 2, 4, 1, 3, 5]), [images, patches, area]);
  const kernel = scope.parameter("patch_embed.weight", [hidden, channels, pixel, pixel], initial);
  const embedded = linear(rows, reshape(kernel, [hidden, area]));
  const one = dim("one", 1);
  const tokens = dim("tokens", patchCount(config) + 1);
  const classToken = scope.parameter("cls_token", [one, one, hidden], initial, "token");
  const position = scope.parameter("position_embedding", [one, tokens, hidden], initial, "token");
  // The class token is added to an empty first row, because a symbolic number of pictures cannot be repeated to.
  return add(pad(embedded, 1, 1, 0), add(position, pad(classToken, 1, 0, patchCount(config))));
}

/** One layer on [images, patches + 1, hidden]; with `frames` that many images are a video. */
export function visionLayer(scope: Scope, state: Tensor, config: VisionConfig, frames?: number): Tensor {
  const hidden = dim("hidden", config.hidden);
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const x = frames === undefined ? state : acrossFrames(scope.at("temporal"), state, frames);
  const normal = layerNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const context = selfAttention(scope.at("self_attn"), normal, hidden, config);
  const attended = add(x, context);
  const inner = layerNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const wider = linearLayer(scope.at("mlp.fc1"), inner, wide, linearOptions);
  const up = config.activation === "gelu" ? gelu(wider) : quickGelu(wider, QUICK_GELU);
  return add(attended, linearLayer(scope.at("mlp.fc2"), up, hidden, linearOptions));
}

/** Queries, keys and values come from one product whose columns lie as [heads, 3, headDim]. */
function selfAttention(scope: Scope, x: Tensor, hidden: Dim, config: VisionConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const [images, tokens] = x.shape;
  const headDim = config.hidden / config.heads;
  const fused = linearLayer(
    scope.at("query_key_value"),
    x,
    dim("3·hidden", 3 * config.hidden),
    linearOptions,
  );
  const parts = [dim("heads", config.heads), dim("qkv", 3), dim("headDim", headDim)];
  const laidOut = transpose(reshape(fused, [images, tokens, ...parts]), [3, 0, 2, 1, 4]);
  const [q, k, v] = split(laidOut, 0, [1, 1, 1]).map((part) => reshape(part, part.shape.slice(1)));
  const context = attention(q, k, v, { scale: 1 / Math.sqrt(headDim) });
  return linearLayer(scope.at("dense"), joinHeads(context, hidden), hidden, linearOptions);
}
