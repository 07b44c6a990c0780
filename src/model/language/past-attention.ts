import { once } from "../../primitives/index.ts";
import {
  add,
  concat,
  type Dim,
  dim,
  input,
  mul,
  reshape,
  rotary,
  type Shape,
  slice,
  softmax,
  type Tensor,
} from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import { slopeTable } from "./alibi.ts";
import { softCapped } from "./decoder.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import type { LayerAttentionSettings } from "./family.ts";
import { groupedContext, groupedScores } from "./grouped-attention.ts";
import {
  dependsOnLength,
  type RotarySettings,
  type RotaryTables,
  rotaryTables,
  turnedWidth,
} from "./rotary.ts";
import type { LayerAttention } from "./whole-sequence-attention.ts";

/** Dimensions by the names that ONNX models of decoders use. */
export const pastDims = {
  batch: dim("batch_size"),
  tokens: dim("sequence_length"),
  past: dim("past_sequence_length"),
  total: dim("total_sequence_length"),
} as const;

/** The name of the input that hides keys: those a window of this size leaves, or (without one) all before a token. */
export const maskName = (window: number | undefined): string =>
  window === undefined ? "attention_scores_mask" : `window_${window}_scores_mask`;

/** How long a sequence may become without other angles for all of its positions. */
export function positionsOfFixedAngles(config: LanguageConfig): number {
  const scaling = "ropeTheta" in config && dependsOnLength(config) ? config.ropeScaling : undefined;
  const first =
    scaling !== undefined && "originalPositions" in scaling ? scaling.originalPositions : Infinity;
  return Math.min(config.maxPositions, first);
}

export interface PastAttention {
  readonly attention: LayerAttention;
  /** `present.N.key` and `present.N.value` of each layer the model was traced through. */
  readonly present: Readonly<Record<string, Tensor>>;
}

/**
 * Attention of new tokens over the keys and values of a past that grows: of plain operators, which every runtime has. Asks for the
 * inputs `past_key_values.N.key` and `….value` [batch, keyValueHeads, past, headDim], `position_ids` int64 [batch, tokens],
 * for each window the mask by {@link maskName}, float32 [batch, 1, tokens, total], which is added to the scores, and with
 * ALiBi `key_positions` float32 [1, 1, 1, total].
 *
 * @param positions no sequence may become longer
 */
export function attentionOverPast(config: LanguageConfig, positions: number): PastAttention {
  const { batch, tokens, total } = pastDims;
  const positionIds = once((length: Dim) => input("position_ids", "int64", [batch, length]));
  const tables = once((settings: RotarySettings) => rotaryTables(settings, { positions }));
  const maskOf = once((window: number | undefined) =>
    input(maskName(window), "float32", [batch, dim("one", 1), tokens, total]),
  );
  const slopes = once((heads: number) => alibi(heads, total));
  const pastShape: Shape = [
    batch,
    dim("keyValueHeads", config.keyValueHeads),
    pastDims.past,
    dim("headDim", config.headDim),
  ];
  const present: Record<string, Tensor> = {};
  const attention: LayerAttention = (layer, query, key, value) => {
    const settings = familyOf(config).layerAttention(config, layer);
    const turn = (x: Tensor): Tensor =>
      settings.positions.kind === "rotary"
        ? turned(x, settings.positions.settings, tables(settings.positions.settings), positionIds(tokens))
        : x;
    const behind = (name: "key" | "value", fresh: Tensor): Tensor => {
      const past = input(`past_key_values.${layer}.${name}`, "float32", pastShape);
      const all = concat([past, fresh], 2, total.name);
      present[`present.${layer}.${name}`] = all;
      return all;
    };
    const context = attend(
      turn(splitHeads(query, config.heads)),
      behind("key", turn(splitHeads(key, config.keyValueHeads))),
      behind("value", splitHeads(value, config.keyValueHeads)),
      { ...settings, bias: settings.positions.kind === "alibi" ? slopes(config.heads) : undefined },
      maskOf(settings.window),
    );
    return joinHeads(context, query.shape[2]);
  };
  return { attention, present };
}

/** ALiBi's part of the scores [1, heads, 1, total]: a softmax sees differences only, so the key's position does. */
function alibi(heads: number, total: Dim): Tensor {
  const one = dim("one", 1);
  const keys = input("key_positions", "float32", [one, one, one, total]);
  return mul(reshape(slopeTable(heads), [one, dim("heads", heads), one, one]), keys);
}

/** Heads [batch, heads, tokens, headDim] turned by the angles of their positions, those numbers that are. */
function turned(x: Tensor, settings: RotarySettings, { cos, sin }: RotaryTables, positions: Tensor): Tensor {
  const width = turnedWidth(settings);
  if (width === settings.headDim) return rotary(x, positions, cos, sin);
  const part = rotary(slice(x, 3, 0, width), positions, cos, sin);
  return concat([part, slice(x, 3, width, settings.headDim)], 3, "headDim");
}

/** Queries [batch, heads, tokens, headDim] over keys and values [batch, keyValueHeads, total, headDim]. */
function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { scale, cap, bias }: LayerAttentionSettings & { readonly bias: Tensor | undefined },
  mask: Tensor,
): Tensor {
  const scores = groupedScores(q, k, scale);
  const biased = bias === undefined ? scores : add(scores, bias);
  const shares = softmax(add(cap === undefined ? biased : softCapped(biased, cap), mask));
  return groupedContext(shares, v);
}
