import { allocate, type HostTensor, int64 } from "../tensor/index.ts";
import { endOf, type MediaKind, type MediaSpan, spansOfPlaceholders } from "./media-spans.ts";

/** Index of a position in a batch. */
export type BatchPosition = readonly [row: number, token: number];

/**
 * The input `input_ids` [rows, length]: token ids, padded on the right. Positions of images and videos, whose embeddings
 * are replaced, hold 0.
 *
 * @param padId the id of padding, which causal attention keeps out of sight of every token in front of it
 */
export function inputIds(rows: readonly ArrayLike<number>[], length: number, padId = 0): HostTensor<"int64"> {
  const tensor = allocate("int64", [rows.length, length]);
  if (padId !== 0) tensor.data.fill(BigInt(padId));
  for (const [r, ids] of rows.entries()) {
    for (let t = 0; t < ids.length; t++) tensor.data[r * length + t] = BigInt(Math.max(0, ids[t]));
  }
  return tensor;
}

/** The positions of a batch's images and videos, or of one kind of them, in reading order. */
export function mediaPositions(
  rows: readonly { readonly spans: readonly MediaSpan[] }[],
  kind?: MediaKind,
): BatchPosition[] {
  const positions: BatchPosition[] = [];
  for (const [r, { spans }] of rows.entries()) {
    for (const span of spans) {
      if (kind !== undefined && span.kind !== kind) continue;
      for (let t = span.start; t < endOf(span); t++) positions.push([r, t]);
    }
  }
  return positions;
}

/** The input `visual_positions` [visual tokens, 2]: where each of the visual tokens goes. */
export function visualPositions(positions: readonly BatchPosition[]): HostTensor<"int64"> {
  return int64(positions.flat(), [positions.length, 2]);
}

/** The input `patch_positions` [tiles, 2]: where in its picture each tile lies, of a model that reads pictures in tiles. */
export function tilePositions(
  positions: readonly (readonly [row: number, column: number])[],
): HostTensor<"int64"> {
  return int64(positions.flat(), [positions.length, 2]);
}

/** The inputs by which the samples of a row do not see each other. */
export interface PackedFeeds {
  /** [rows, length]: positions in the sample. */
  readonly position_ids: HostTensor<"int64">;
  /** [rows, 1, length, length]: 0 where a query may see a key as far as samples go, and as good as −∞ elsewhere. */
  readonly attention_mask: HostTensor<"float32">;
}

/**
 * The inputs of rows that hold several samples one behind the other; padding behind them is a sample of its own.
 *
 * @param rows the lengths of each row's samples, at most `length` together
 */
export function packedFeeds(rows: readonly (readonly number[])[], length: number): PackedFeeds {
  const positions = allocate("int64", [rows.length, length]);
  const mask = allocate("float32", [rows.length, 1, length, length]);
  for (const [r, samples] of rows.entries()) {
    let start = 0;
    for (const size of [...samples, Number.POSITIVE_INFINITY]) {
      const end = Math.min(length, start + size);
      for (let query = start; query < end; query++) {
        const at = r * length + query;
        positions.data[at] = BigInt(query - start);
        // What comes later is hidden by causality.
        mask.data.fill(-1e30, at * length, at * length + start);
      }
      start = end;
    }
  }
  return { position_ids: positions, attention_mask: mask };
}

/** A token that is to be predicted, and the position in front of it, whose logits predict it. */
export interface Prediction {
  readonly position: BatchPosition;
  readonly label: number;
}

/** A sequence and, for every token, whether predicting it counts in the loss; the first cannot be predicted. */
export interface LabelledRow {
  readonly ids: ArrayLike<number>;
  readonly lossMask: ArrayLike<number | boolean>;
}

/** What is to be predicted in a batch: the position in front of a token predicts it. */
export function predictionsOf(rows: readonly LabelledRow[]): Prediction[] {
  const predictions: Prediction[] = [];
  for (const [r, { ids, lossMask }] of rows.entries()) {
    for (let t = 1; t < ids.length; t++) {
      if (lossMask[t]) predictions.push({ position: [r, t - 1], label: ids[t] });
    }
  }
  return predictions;
}

export interface LabelFeeds {
  /** Indices into rows · length of the hidden rows that predict a label; padding names row 0. Absent where all do. */
  readonly loss_rows?: HostTensor<"int64">;
  /** The token each row must predict; 0 where the row does not count. */
  readonly labels: HostTensor<"int64">;
  /** `weight` for rows that count, 0 for the others. */
  readonly loss_weights: HostTensor<"float32">;
}

/**
 * The inputs of a batch's loss.
 *
 * @param shape the batch's `rows` and their `length`; `lossRows` of the graph: absent if it computes every row's logits
 * @param weight of each prediction
 * @throws RangeError where more tokens count than the graph has rows
 */
export function labelFeeds(
  predictions: readonly Prediction[],
  shape: { readonly rows: number; readonly length: number; readonly lossRows?: number | undefined },
  weight: number,
): LabelFeeds {
  const { rows, length, lossRows } = shape;
  const size = lossRows ?? rows * length;
  if (predictions.length > size) {
    throw new RangeError(
      `loss_rows: at most ${size} tokens may count, got ${predictions.length}; build the graph with more lossRows`,
    );
  }
  const labels = allocate("int64", [size]);
  const weights = allocate("float32", [size]);
  const indices = allocate("int64", [lossRows ?? 0]);
  for (const [i, { position, label }] of predictions.entries()) {
    const row = position[0] * length + position[1];
    const at = lossRows === undefined ? row : i;
    labels.data[at] = BigInt(label);
    weights.data[at] = weight;
    if (lossRows !== undefined) indices.data[i] = BigInt(row);
  }
  const feeds = { labels, loss_weights: weights };
  return lossRows === undefined ? feeds : { ...feeds, loss_rows: indices };
}

/** Rows of token ids in which placeholder ids (see {@link spansOfPlaceholders}) mark images and videos. */
export type IdRows = readonly (readonly number[])[];

/** How many rows images and videos have for their positions: each one queries + 1. */
export interface VisualRows {
  readonly images: number;
  readonly videos: number;
}

/**
 * The inputs `input_ids` [batch, tokens] and `visual_positions` [visual, 2] of rows of ids, all equally long, in which
 * placeholder ids mark images and videos.
 *
 * @param visual how many visual tokens there are: a number for tokens in reading order, whatever they show; both numbers
 *   for the images' tokens in front of the videos', each in reading order
 * @throws RangeError where the rows' lengths differ or the positions are not as many
 */
export function tokenFeeds(
  rows: IdRows,
  visual: number | VisualRows,
): { input_ids: HostTensor<"int64">; visual_positions: HostTensor<"int64"> } {
  const length = rows[0]?.length ?? 0;
  for (const [r, row] of rows.entries()) {
    if (row.length === length) continue;
    throw new RangeError(
      `input_ids: every row must have ${length} ids, got ${row.length} in row ${r}; pad it`,
    );
  }
  const sequences = rows.map((ids) => ({ spans: spansOfPlaceholders(ids) }));
  const positions =
    typeof visual === "number"
      ? requireCount("pictures", mediaPositions(sequences), visual)
      : [
          ...requireCount("pictures", mediaPositions(sequences, "image"), visual.images),
          ...requireCount("videos", mediaPositions(sequences, "video"), visual.videos),
        ];
  return { input_ids: inputIds(rows, length), visual_positions: visualPositions(positions) };
}

function requireCount(what: string, positions: BatchPosition[], count: number): BatchPosition[] {
  if (positions.length === count) return positions;
  throw new RangeError(
    `input_ids: the ${what} take ${count} positions, got ${positions.length} negative ids; give each its positions`,
  );
}

export interface LossFeeds {
  readonly feeds: LabelFeeds;
  /** Tokens that are predicted and count. */
  readonly labelCount: number;
  /** Rows of the batch in which no token counts. */
  readonly rowsWithoutLabels: readonly number[];
}

/**
 * The inputs of the mean next-token loss of rows of equal length. Where nothing counts every weight is 0, and so is the loss.
 *
 * @param lossMasks per row and position whether the token there is to be predicted; the first cannot be
 * @param lossRows `OwlSizes.lossRows` of the graph: absent if it computes every row's logits
 * @throws RangeError where more tokens count than the graph has rows
 */
export function lossFeeds(
  rows: IdRows,
  lossMasks: readonly ArrayLike<number | boolean>[],
  lossRows?: number,
): LossFeeds {
  const predictions = predictionsOf(rows.map((ids, r) => ({ ids, lossMask: lossMasks[r] })));
  const withLabels = new Set(predictions.map(({ position }) => position[0]));
  const shape = { rows: rows.length, length: rows[0]?.length ?? 0, lossRows };
  return {
    feeds: labelFeeds(predictions, shape, 1 / predictions.length),
    labelCount: predictions.length,
    rowsWithoutLabels: [...rows.keys()].filter((row) => !withLabels.has(row)),
  };
}
