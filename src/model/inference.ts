import {
  type Dim,
  dim,
  type Graph,
  gatherNd,
  input,
  type Scope,
  slice,
  type Tensor,
} from "../tensor/index.ts";
import {
  attentionOverCache,
  cacheSizes,
  type KvCacheDtype,
  pictureHeads,
} from "./language/cached-attention.ts";
import { familyOf } from "./language/families.ts";
import {
  decoderLayers,
  embedTokens,
  finalNorm,
  type LayerInputs,
  languageHead,
  layerName,
} from "./language-model.ts";
import { encodeImages, encodeVideos, pixelInput, splice, videoInput } from "./owl.ts";
import type { OwlConfig } from "./owl-config.ts";
import { modelScope } from "./quantization.ts";
import { patchCount } from "./vision/patches.ts";
import { prefixTokens, visionEncoder } from "./vision-encoder.ts";
import { tokensPerImage, visualAbstractor } from "./visual-abstractor.ts";

/**
 * Encodes images: `pixel_values` [images, 3, imageSize, imageSize] → `visual` [images, queries + 1, language hidden], the
 * embeddings that stand for them in the text. The number of images is symbolic.
 */
export function traceVision(config: OwlConfig, scope: Scope = modelScope(config)): Graph {
  return { name: "vision", outputs: { visual: encodeImages(scope, pixelInput(config), config).tokens } };
}

/**
 * Encodes videos: `video_pixel_values` [videos, 3, frames, imageSize, imageSize] → `visual` [videos, queries + 1,
 * language hidden], the embeddings that stand for them in the text. The number of videos is symbolic, that of frames not.
 *
 * @throws TypeError where the model is not of the video version
 */
export function traceVideo(config: OwlConfig, frames: number, scope: Scope = modelScope(config)): Graph {
  return {
    name: "video",
    outputs: { visual: encodeVideos(scope, videoInput(config, frames), config).tokens },
  };
}

/**
 * The abstractor's attention maps: `pixel_values` [images, 3, imageSize, imageSize] → `attention.N` [images, heads,
 * queries, patches] for each of its layers, the probabilities with which a query attends to each patch. Those of the
 * queries and of a class token are left out, so a row's sum is at most 1. The reference keeps these maps on pictures too.
 */
export function traceAttention(config: OwlConfig, scope: Scope = modelScope(config)): Graph {
  const patches = visionEncoder(scope.at("vision_model"), pixelInput(config), config.vision).lastHiddenState;
  const { attention } = visualAbstractor(scope, patches, config);
  const first = config.numQueryTokens + prefixTokens(config.vision);
  const onPatches = (shares: Tensor): Tensor => slice(shares, 3, first, first + patchCount(config.vision));
  const outputs = attention.map((shares, layer) => [`attention.${layer}`, onPatches(shares)] as const);
  return { name: "vision attention", outputs: Object.fromEntries(outputs) };
}

export interface PrefillOptions {
  /** Whether the prompt has pictures: asks for `visual` [visual, hidden] and `visual_positions` [visual, 2]. */
  readonly pictures: boolean;
  /** Whether outputs `attention.N` are wanted too, the shares of pictures beside the text (`PicturesOverCache`). Default false. */
  readonly shares?: boolean | undefined;
  /** Default "float32". */
  readonly kvCacheDtype?: KvCacheDtype | undefined;
}

/**
 * Prefill: several new tokens a row into the KV cache, the prompt or a further turn of it. Inputs: `input_ids` int64
 * [batch, tokens] padded on the right, `logit_positions` int64 [rows, 2] = (row of the batch, position among
 * the new tokens) of the tokens whose logits are wanted, the caches and lengths of `attentionOverCache`, and
 * the pictures' rows. Outputs: `logits` [rows, vocabulary], `present_key.N`, `present_value.N`.
 */
export function tracePrefill(
  config: OwlConfig,
  options: PrefillOptions,
  scope: Scope = modelScope(config),
): Graph {
  const language = scope.at("language_model");
  const ids = input("input_ids", "int64", [dim("batch"), dim("tokens")]);
  const text = embedTokens(language, ids, config.language);
  const isSpliced = options.pictures && config.projector === undefined;
  const visual = isSpliced ? visualInputs(text.shape[2]) : undefined;
  const embeddings = visual ? splice(text, visual.tokens, visual.positions) : text;
  const positions = input("logit_positions", "int64", [dim("rows"), dim("depth", 2)]);
  const inputs = { visualPositions: visual?.positions, selectRows: (x: Tensor) => gatherNd(x, positions) };
  const { kvCacheDtype: dtype, shares } = options;
  return overCache({ name: "prefill", config, language, dtype, shares }, embeddings, inputs);
}

/**
 * Keys and values of pictures that stand beside the text, for every layer that looks at them: `visual` float32 [pictures, visual, hidden] and
 * `positions` int64 [pictures, visual], where their keys stand → `key.N`, `value.N` [pictures, keyValueHeads, visual, headDim] as the KV
 * cache has those of the text. The number of pictures is symbolic.
 */
export function tracePictureKeys(config: OwlConfig, scope: Scope = modelScope(config)): Graph {
  const { language } = config;
  const family = familyOf(language);
  const [pictures, visual] = [dim("pictures"), dim("visual", tokensPerImage(config))];
  const tokens = input("visual", "float32", [pictures, visual, dim("hidden", language.hidden)]);
  const positions = input("positions", "int64", [pictures, visual]);
  const outputs: Record<string, Tensor> = {};
  for (const layer of cacheSizes(language).pictureLayers ?? []) {
    const at = scope.at("language_model").at(layerName(language, layer));
    const made = family.pictureKeysValues!(at, tokens, language);
    const { key, value } = pictureHeads(language, layer, made, positions);
    outputs[`key.${layer}`] = key;
    outputs[`value.${layer}`] = value;
  }
  return { name: "picture keys", outputs };
}

function visualInputs(hidden: Dim): { readonly tokens: Tensor; readonly positions: Tensor } {
  const rows = dim("visual");
  return {
    tokens: input("visual", "float32", [rows, hidden]),
    positions: input("visual_positions", "int64", [rows, dim("depth", 2)]),
  };
}

/**
 * A decode step, one new token a row: `input_ids` int64 [batch, 1] and the caches and lengths of `attentionOverCache` →
 * `logits` [batch, 1, vocabulary], `present_key.N`, `present_value.N`.
 */
export function traceDecode(
  config: OwlConfig,
  scope: Scope = modelScope(config),
  dtype: KvCacheDtype = "float32",
): Graph {
  const language = scope.at("language_model");
  const ids = input("input_ids", "int64", [dim("batch"), dim("tokens", 1)]);
  const embeddings = embedTokens(language, ids, config.language);
  return overCache({ name: "decode", config, language, dtype }, embeddings);
}

/** What a graph over a KV cache is traced from. */
interface TracedModel {
  readonly name: string;
  readonly config: OwlConfig;
  readonly language: Scope;
  readonly dtype: KvCacheDtype | undefined;
  readonly shares?: boolean | undefined;
}

function overCache(
  { name, config, language, dtype, shares: areShown = false }: TracedModel,
  embeddings: Tensor,
  inputs: Omit<LayerInputs, "attention"> = {},
): Graph {
  const { attention, present, pictures, shares } = attentionOverCache(config.language, dtype);
  const decoded = decoderLayers(language, embeddings, config.language, { ...inputs, attention, pictures });
  const logits = languageHead(language, finalNorm(language, decoded, config.language), config.language);
  return { name, outputs: { logits, ...present, ...(areShown && shares) } };
}
