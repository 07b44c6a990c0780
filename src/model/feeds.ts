import { allocate, type HostTensor, int64 } from "../tensor/index.ts";

/** The id at every position of a video; every other negative id is a position of a picture. */
export const videoId = -2;

/** Rows of token ids in which every negative id is a position of a picture or video. */
export type IdRows = readonly ArrayLike<number>[];

/** How many rows pictures and videos have for their positions: each one queries + 1. */
export interface VisualRows {
  readonly images: number;
  readonly videos: number;
}

type Position = readonly [row: number, token: number];

/**
 * The inputs `input_ids` [batch, tokens] and `visual_positions` [visual, 2] of rows of ids, all equally long.
 * Two pictures side by side are two pictures.
 *
 * @param visual how many rows there are: a number for rows in reading order, whatever they show; both numbers for
 *   the pictures' rows in front of the videos', each in reading order
 * @throws RangeError where the rows' lengths differ or the positions are not as many
 */
export function tokenFeeds(
  rows: IdRows,
  visual: number | VisualRows,
): { input_ids: HostTensor<"int64">; visual_positions: HostTensor<"int64"> } {
  const tokens = rows[0]?.length ?? 0;
  const ids: number[] = [];
  const positions: Position[] = [];
  for (const [b, row] of rows.entries()) {
    if (row.length !== tokens) {
      throw new RangeError(
        `input_ids: every row must have ${tokens} ids, got ${row.length} in row ${b}; pad it`,
      );
    }
    for (let t = 0; t < tokens; t++) {
      if (row[t] < 0) positions.push([b, t]);
      ids.push(Math.max(0, row[t]));
    }
  }
  const ordered = inOrder(rows, positions, visual);
  return {
    input_ids: int64(ids, [rows.length, tokens]),
    visual_positions: int64(ordered.flat(), [ordered.length, 2]),
  };
}

function inOrder(
  rows: IdRows,
  positions: readonly Position[],
  visual: number | VisualRows,
): readonly Position[] {
  if (typeof visual === "number") return requireCount("pictures", positions, visual);
  const isVideo = ([b, t]: Position): boolean => rows[b][t] === videoId;
  const images = positions.filter((position) => !isVideo(position));
  return [
    ...requireCount("pictures", images, visual.images),
    ...requireCount("videos", positions.filter(isVideo), visual.videos),
  ];
}

function requireCount(what: string, positions: readonly Position[], rows: number): readonly Position[] {
  if (positions.length === rows) return positions;
  throw new RangeError(
    `input_ids: the ${what} take ${rows} positions, got ${positions.length} negative ids; give each its positions`,
  );
}

export interface LossFeeds {
  readonly feeds: {
    /** Indices into batch · tokens of the hidden rows that predict a counted token; padding names the last. */
    readonly loss_rows?: HostTensor<"int64">;
    /** The token each row must predict; 0 where the row does not count. */
    readonly labels: HostTensor<"int64">;
    /** 1 / counted for rows that count, 0 for the others. */
    readonly loss_weights: HostTensor<"float32">;
  };
  /** Predicted tokens that count. */
  readonly labelCount: number;
  /** Rows of the batch in which no token counts. */
  readonly rowsWithoutLabels: readonly number[];
}

interface Prediction {
  /** Index into batch · tokens of the position before the token. */
  readonly row: number;
  readonly label: number;
}

/**
 * The inputs of the mean next-token loss over the tokens that count: the row before a counted token predicts it.
 * Where nothing counts every weight is 0, and so is the loss.
 *
 * @param counts per row and position whether the token there is to be predicted; the first cannot be
 * @param lossRows `OwlSizes.lossRows` of the graph: absent if it computes every row's logits
 * @throws RangeError where more tokens count than the graph has rows
 */
export function lossFeeds(
  rows: IdRows,
  counts: readonly ArrayLike<number | boolean>[],
  lossRows?: number,
): LossFeeds {
  const perRow = rows.map((row, b) => predictions(row, counts[b], b * row.length));
  const all = perRow.flat();
  const positions = rows.length * (rows[0]?.length ?? 0);
  const size = lossRows ?? positions;
  if (all.length > size) {
    throw new RangeError(
      `loss_rows: at most ${size} tokens may count, got ${all.length}; build the graph with more lossRows`,
    );
  }
  const labels = allocate("int64", [size]);
  const weights = allocate("float32", [size]);
  for (const [i, { row, label }] of all.entries()) {
    const at = lossRows === undefined ? row : i;
    labels.data[at] = BigInt(label);
    weights.data[at] = 1 / all.length;
  }
  const feeds = { labels, loss_weights: weights };
  return {
    feeds: lossRows === undefined ? feeds : { ...feeds, loss_rows: rowIndices(all, size, positions - 1) },
    labelCount: all.length,
    rowsWithoutLabels: perRow.flatMap((found, b) => (found.length === 0 ? [b] : [])),
  };
}

function predictions(
  row: ArrayLike<number>,
  counts: ArrayLike<number | boolean>,
  offset: number,
): Prediction[] {
  const found: Prediction[] = [];
  for (let t = 1; t < row.length; t++) if (counts[t]) found.push({ row: offset + t - 1, label: row[t] });
  return found;
}

/** Padding names the batch's last position, which never predicts a token. */
function rowIndices(all: readonly Prediction[], size: number, last: number): HostTensor<"int64"> {
  const indices = allocate("int64", [size]);
  indices.data.fill(BigInt(last), all.length);
  for (const [i, { row }] of all.entries()) indices.data[i] = BigInt(row);
  return indices;
}
