import { once } from "../../primitives/index.ts";
import {
  type CacheScales,
  cachedAttention,
  concat,
  type Dim,
  dim,
  type HostTensor,
  input,
  pad,
  reshape,
  rotary,
  slice,
  type Tensor,
} from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import { slopeTable } from "./alibi.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import type { KeysValues, LayerPictures, PositionEncoding } from "./family.ts";
import { picturesOverCache } from "./pictures-over-cache.ts";
import {
  dependsOnLength,
  frequencyLength,
  type RotarySettings,
  type RotaryTables,
  rotaryAngles,
  rotaryTables,
  turnedWidth,
} from "./rotary.ts";
import type { LayerAttention } from "./whole-sequence-attention.ts";

/** How keys and values are kept: as they are, or in 8 bits with a scale for each number of a head. */
export const kvCacheDtypes = ["float32", "int8"] as const;
export type KvCacheDtype = (typeof kvCacheDtypes)[number];

/** Sizes of the KV cache that the inference graphs read and write. */
export interface CacheSizes {
  readonly layers: number;
  readonly keyValueHeads: number;
  /** Width of a row of the cache: a head's, rounded up to what the kernel takes. */
  readonly headDim: number;
  /** No row can become longer. */
  readonly maxPositions: number;
  /** Layers whose rows need not hold more than a window; absent: none, or it would save nothing. */
  readonly bounded?: BoundedLayers;
  /** Layers that look at pictures beside the text, whose keys and values of them are kept; absent: none. */
  readonly pictureLayers?: readonly number[];
}

/** Layers with a window, whose rows drop what lies before it. */
export interface BoundedLayers {
  readonly layers: readonly boolean[];
  /** Positions that a row keeps before new ones: one more than the next token sees, so that one may be computed again. */
  readonly kept: number;
  /** Positions that a row has room for. */
  readonly capacity: number;
}

/** New tokens that a row with bounded layers takes at once. */
export const BOUNDED_CHUNK = 256;

function boundedLayers(config: LanguageConfig): BoundedLayers | undefined {
  if (!("window" in config) || config.window === undefined || dependsOnLength(config)) return undefined;
  const { size: kept, layers } = config.window;
  // A last odd token, for batch invariance, is computed along.
  const capacity = 64 * Math.ceil((kept + BOUNDED_CHUNK + 2) / 64);
  return capacity < config.maxPositions ? { layers, kept, capacity } : undefined;
}

/** ONNX Runtime's kernel takes heads of a multiple of this many numbers. */
const HEAD_STEP = 8;

/** How many numbers of a head are turned; where nothing is, a head has halves all the same. */
function turnedOf(config: LanguageConfig): number {
  return "ropeTheta" in config ? turnedWidth(config) : 2 * Math.floor(config.headDim / 2);
}

/** How a language model's KV cache is laid out: per layer keys and values [batch, keyValueHeads, capacity, headDim]. */
export function cacheSizes(config: LanguageConfig): CacheSizes {
  const { layers, keyValueHeads, headDim, maxPositions } = config;
  // What is not turned is shared out among the halves.
  const even = turnedOf(config) + 2 * Math.ceil((headDim - turnedOf(config)) / 2);
  const bounded = boundedLayers(config);
  return {
    layers,
    keyValueHeads,
    headDim: Math.ceil(even / HEAD_STEP) * HEAD_STEP,
    maxPositions,
    ...(bounded && { bounded }),
    ...("hyper" in config && config.hyper && { pictureLayers: config.hyper.layers }),
  };
}

export interface CachedAttention {
  readonly attention: LayerAttention;
  /** `present_key.N` and `present_value.N` of each layer the model was traced through. */
  readonly present: Readonly<Record<string, Tensor>>;
  /** What layers see of pictures beside the text; without meaning for models that have none. */
  readonly pictures: (layer: number) => LayerPictures;
  /** How layers share out their attention over pictures beside the text; see `PicturesOverCache`. */
  readonly shares: Readonly<Record<string, Tensor>>;
}

/**
 * Attention of new tokens over a KV cache, for inference. Asks for the inputs `past_key.N`, `past_value.N` in the
 * sizes of `cacheSizes`, `last_position` int32 [batch] and `total_length` int32 [1] (see `cachedAttention`), and those of
 * `angleFeeds`. A present cache may be the very buffer of the past one. Bounded layers have a capacity of their own, `window_last_position` and
 * `window_total_length`, which count from a row's first position that is kept, and `positions` int64 [batch, tokens]. Layers that look
 * at pictures: those, and the inputs of `picturesOverCache`. Caches in int8 have scales `key_scale.N` and `value_scale.N`
 * [keyValueHeads, 1, headDim].
 */
export function attentionOverCache(config: LanguageConfig, dtype: KvCacheDtype = "float32"): CachedAttention {
  const { keyValueHeads, headDim, maxPositions, bounded } = cacheSizes(config);
  const batch = dim("batch");
  const cacheOf = (capacity: string): Dim[] => [
    batch,
    dim("keyValueHeads", keyValueHeads),
    dim(capacity),
    dim("headDim", headDim),
  ];
  const positionsOf = positionOperands(config, maxPositions, dim("halfHeadDim", headDim / 2));
  const lengths = once((prefix: string) => ({
    lastPosition: input(`${prefix}last_position`, "int32", [batch]),
    totalLength: input(`${prefix}total_length`, "int32", [dim("one", 1)]),
  }));
  const newPositions = once((tokens: Dim) => input("positions", "int64", [batch, tokens]));
  const scaleShape = [dim("keyValueHeads", keyValueHeads), dim("one", 1), dim("headDim", headDim)];
  const scalesOf = (layer: number): CacheScales => ({
    keyScale: input(`key_scale.${layer}`, "float32", scaleShape),
    valueScale: input(`value_scale.${layer}`, "float32", scaleShape),
  });
  const layout = { own: config.headDim, turned: turnedOf(config), wide: headDim };
  const present: Record<string, Tensor> = {};
  const attend = (layer: number, query: Tensor, key: Tensor, value: Tensor): CachedLayer => {
    const { positions, scale, window, cap } = familyOf(config).layerAttention(config, layer);
    const isBounded = bounded?.layers[layer] ?? false;
    const cache = cacheOf(isBounded ? "windowCapacity" : "capacity");
    const tables = positionsOf(positions);
    // Where keys lie in a bounded row is not their position: they are turned beforehand.
    const turn = (x: Tensor): Tensor => {
      const wide = widenHeads(x, layout);
      return isBounded && tables.cos ? turned(wide, headDim, newPositions(x.shape[1]), tables) : wide;
    };
    const [context, presentKey, presentValue] = cachedAttention(
      {
        query: turn(query),
        key: turn(key),
        value: widenHeads(value, layout),
        pastKey: input(`past_key.${layer}`, dtype, cache),
        pastValue: input(`past_value.${layer}`, dtype, cache),
        ...(dtype === "int8" && { scales: scalesOf(layer) }),
        ...lengths(isBounded ? "window_" : ""),
        ...(isBounded ? {} : tables),
      },
      { heads: config.heads, keyValueHeads, scale, window, cap },
    );
    present[`present_key.${layer}`] = presentKey;
    present[`present_value.${layer}`] = presentValue;
    return { context: narrowHeads(context, layout, query.shape[2]), key: presentKey, value: presentValue };
  };
  const { pictures, shares } = picturesOverCache({
    config,
    cacheShape: cacheOf("capacity"),
    attend: (layer, query, text) => attend(layer, query, text.key, text.value),
    heads: (layer, query) => {
      const wide = widenHeads(query, layout);
      const { positions } = familyOf(config).layerAttention(config, layer);
      const tables = positionsOf(positions);
      const joined = tables.cos ? turned(wide, headDim, newPositions(query.shape[1]), tables) : wide;
      return splitHeads(joined, config.heads);
    },
    joined: (context, width) =>
      narrowHeads(joinHeads(context, dim("heads·headDim", config.heads * headDim)), layout, width),
  });
  return { attention: (...operands) => attend(...operands).context, present, pictures, shares };
}

/** The results of a layer: its context, and the keys and values of all tokens so far. */
export interface CachedLayer {
  readonly context: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/** A layer's keys, turned, and values of pictures, as the cache has those of the text: [pictures, keyValueHeads, visual, headDim]. */
export function pictureHeads(
  config: LanguageConfig,
  layer: number,
  { key, value }: KeysValues,
  positions: Tensor,
): KeysValues {
  const { headDim, keyValueHeads, maxPositions } = cacheSizes(config);
  const layout = { own: config.headDim, turned: turnedOf(config), wide: headDim };
  const encoding = familyOf(config).layerAttention(config, layer).positions;
  const tables = positionOperands(config, maxPositions, dim("halfHeadDim", headDim / 2))(encoding);
  const heads = (x: Tensor): Tensor => splitHeads(widenHeads(x, layout), keyValueHeads);
  return {
    key: tables.cos ? rotary(heads(key), positions, tables.cos, tables.sin) : heads(key),
    value: heads(value),
  };
}

type PositionOperands =
  | RotaryTables
  | { readonly slopes: Tensor; readonly cos?: undefined }
  | { readonly cos?: undefined };

/** Heads [batch, tokens, heads · headDim] turned by the angles of positions [batch, tokens]. */
function turned(x: Tensor, headDim: number, positions: Tensor, { cos, sin }: RotaryTables): Tensor {
  const heads = splitHeads(x, x.shape[2].size! / headDim);
  return joinHeads(rotary(heads, positions, cos, sin), x.shape[2]);
}

/** Makes the operands of a layer's positions; equal settings share their tables. */
function positionOperands(config: LanguageConfig, maxPositions: number, width: Dim) {
  const tables = new Map<RotarySettings, RotaryTables>();
  const tablesOf = (settings: RotarySettings): RotaryTables => {
    if (!dependsOnLength(settings)) {
      return rotaryTables(settings, { positions: maxPositions, width: width.size! });
    }
    const shape = [dim("positions"), width];
    return { cos: input("rotary_cos", "float32", shape), sin: input("rotary_sin", "float32", shape) };
  };
  return (positions: PositionEncoding): PositionOperands => {
    if (positions.kind === "none") return {};
    if (positions.kind === "alibi") return { slopes: slopeTable(config.heads) };
    const known = tables.get(positions.settings) ?? tablesOf(positions.settings);
    tables.set(positions.settings, known);
    return known;
  };
}

/**
 * The inputs `rotary_cos` and `rotary_sin` of `attentionOverCache`, for so many positions of sequences of a length by
 * {@link angleLength}. Only programs of models whose angles depend on the length ask for them.
 */
export function angleFeeds(
  config: LanguageConfig,
  length: number,
  positions: number,
): Readonly<Record<"rotary_cos" | "rotary_sin", HostTensor>> | undefined {
  if (!("ropeTheta" in config && dependsOnLength(config))) return undefined;
  const { cos, sin } = rotaryAngles(config, { positions, length, width: cacheSizes(config).headDim / 2 });
  return { rotary_cos: cos, rotary_sin: sin };
}

/**
 * What tells apart sequences whose keys cannot be mixed: where angles depend on the length of the whole sequence, the
 * length that those of a sequence of `length` tokens are made for, else 0. When it changes, all keys must be made anew.
 */
export function angleLength(config: LanguageConfig, length: number): number {
  return "ropeTheta" in config ? frequencyLength(config, length) : 0;
}

/** How a head's numbers lie in the kernel's: it pairs those of one half with those of the other. */
interface HeadLayout {
  /** Numbers of a head. */
  readonly own: number;
  /** How many of them are turned, those of their first half by the same angles as those of their second. */
  readonly turned: number;
  /** Numbers of a head of the kernel. */
  readonly wide: number;
}

/** [batch, tokens, heads · width] with the heads apart: [batch, tokens, heads, …]. */
function headsApart(x: Tensor, width: number, ...inside: Dim[]): Tensor {
  const [batch, tokens, all] = x.shape;
  return reshape(x, [batch, tokens, dim("heads", all.size! / width), ...inside]);
}

/**
 * Each half of a head's turned numbers, then of the others one half each, then zeros: they add nothing to a score and are
 * never read as a value.
 */
function widenHeads(x: Tensor, { own, turned, wide }: HeadLayout): Tensor {
  if (own === wide && turned === own) return x;
  const [batch, tokens, all] = x.shape;
  const joined = [batch, tokens, dim("heads·headDim", (all.size! / own) * wide)];
  if (own === turned) {
    const halves = headsApart(x, own, dim("halves", 2), dim("half", own / 2));
    return reshape(pad(halves, 4, 0, (wide - own) / 2), joined);
  }
  const heads = headsApart(x, own, dim("headDim", own));
  const middle = turned + Math.ceil((own - turned) / 2);
  const half = (from: number, rest: readonly [number, number]): Tensor => {
    const turning = slice(heads, 3, from, from + turned / 2);
    const still = rest[0] < rest[1] ? [slice(heads, 3, ...rest)] : [];
    const together = concat([turning, ...still], 3, "half");
    return pad(together, 3, 0, wide / 2 - together.shape[3].size!);
  };
  return reshape(concat([half(0, [turned, middle]), half(turned / 2, [middle, own])], 3, "headDim"), joined);
}

/** The inverse of `widenHeads`. */
function narrowHeads(x: Tensor, { own, turned, wide }: HeadLayout, width: Dim): Tensor {
  if (own === wide && turned === own) return x;
  const joined = [x.shape[0], x.shape[1], width];
  if (own === turned) {
    const halves = headsApart(x, wide, dim("halves", 2), dim("half", wide / 2));
    return reshape(slice(halves, 4, 0, own / 2), joined);
  }
  const heads = headsApart(x, wide, dim("headDim", wide));
  const part = (from: number, count: number): Tensor[] =>
    count > 0 ? [slice(heads, 3, from, from + count)] : [];
  const [half, second] = [turned / 2, wide / 2];
  const still = own - turned;
  const parts = [
    ...part(0, half),
    ...part(second, half),
    ...part(half, Math.ceil(still / 2)),
    ...part(second + half, Math.floor(still / 2)),
  ];
  return reshape(concat(parts, 3, "headDim"), joined);
}
