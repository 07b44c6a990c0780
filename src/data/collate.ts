import { videoId } from "../prompt/index.ts";
import { allocate, type HostTensor, int64 } from "../tensor/index.ts";
import { DataError } from "./example.ts";

/** One row of a batch: a token sequence, and which of its tokens are learned. */
export interface TokenRow {
  /** Token ids; −1 at the positions of a picture, −2 at those of a video. The last token is only a target. */
  readonly ids: readonly number[];
  /** For every token whether predicting it counts in the loss. */
  readonly lossMask: readonly boolean[];
  /** One picture for every run of `tokensPerImage` positions: float32 [3, size, size], normalised. */
  readonly pixels: readonly Float32Array[];
  /** One video for every such run of its own: float32 [3, frames, size, size], normalised. */
  readonly videos?: readonly Float32Array[];
  /** What a person calls this row. */
  readonly name: string;
}

/** Sizes of a batch; every different set of sizes needs a program of its own. */
export interface BatchSizes {
  readonly rows: number;
  readonly tokens: number;
  readonly images: number;
  /** Absent where there are none. */
  readonly videos?: { readonly count: number; readonly frames: number };
  /** Positions whose logits are computed; rows · tokens means all of them. */
  readonly losses: number;
}

/** How sizes are rounded up, so that few different ones occur. */
export interface Rounding {
  /** Tokens a row: up to a multiple of this (default 32), unless `maxTokens` is less. */
  readonly tokens?: number;
  /** Longest row; unlimited if absent. */
  readonly maxTokens?: number;
  /** Pictures: up to a multiple of this (default 1); the extra ones lie where only padding is. */
  readonly images?: number;
  /** Positions with a loss: up to a multiple of this (default 64). */
  readonly losses?: number;
}

/** A batch as the training graph takes it. */
export interface TokenBatch {
  readonly sizes: BatchSizes;
  /**
   * `input_ids` int64 [rows, tokens]; `loss_rows` int64 [losses], indices into rows · tokens (absent where all
   * positions are computed); `labels` int64 [losses]; `loss_weights` float32 [losses], 1 for positions that count
   * and 0 for others; where there are pictures `pixel_values` float32 [images, 3, size, size], where there are videos
   * `video_pixel_values` float32 [videos, 3, frames, size, size], and with either `visual_positions` int64
   * [(images + videos) · tokensPerImage, 2], the pictures' first.
   */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** How many positions count. */
  readonly labelCount: number;
  /** Tokens that are no padding. */
  readonly tokenCount: number;
  /** Names of rows in which nothing counts: they teach nothing. */
  readonly rowsWithoutLabels: readonly string[];
}

export interface CollateOptions {
  readonly tokensPerImage: number;
  /** Height and width of pictures. */
  readonly imageSize: number;
  readonly rounding?: Rounding;
}

type Position = readonly [row: number, token: number];

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/**
 * Puts rows into one batch: padded on the right with id 0, where causal attention keeps padding out of sight of
 * every token. Token t predicts token t + 1.
 */
export function collate(rows: readonly TokenRow[], options: CollateOptions): TokenBatch {
  for (const row of rows) requirePictures(row, options.tokensPerImage);
  const sizes = sizesOf(rows, options);
  const losses = lossPositions(rows, sizes);
  return {
    sizes,
    feeds: {
      input_ids: tokenIds(rows, sizes),
      ...lossFeeds(rows, losses, sizes),
      ...visualFeeds(rows, sizes, options),
    },
    labelCount: losses.length,
    tokenCount: rows.reduce((sum, row) => sum + inputLength(row), 0),
    rowsWithoutLabels: rows
      .filter((row) => !row.lossMask.some((counted, i) => i > 0 && counted))
      .map((row) => row.name),
  };
}

function requirePictures(row: TokenRow, tokensPerImage: number): void {
  const videoCount = row.videos?.length ?? 0;
  const positions = row.ids.filter((id) => id < 0 && id !== videoId).length;
  const videoPositions = row.ids.filter((id) => id === videoId).length;
  const fits =
    positions === row.pixels.length * tokensPerImage && videoPositions === videoCount * tokensPerImage;
  if (!fits || (row.ids.at(-1) ?? 0) < 0) {
    const videos = videoCount + videoPositions > 0 ? ` and ${videoCount} videos` : "";
    const more = videos === "" ? "" : ` and ${videoPositions}`;
    throw new DataError(
      `${row.name}: needs ${tokensPerImage} positions for each of its ${row.pixels.length} pictures${videos} and text after them, got ${positions}${more} positions`,
    );
  }
}

const inputLength = (row: TokenRow): number => Math.max(1, row.ids.length - 1);

function sizesOf(
  rows: readonly TokenRow[],
  { tokensPerImage, imageSize, rounding = {} }: CollateOptions,
): BatchSizes {
  const { tokens: tokenStep = 32, images: imageStep = 1, losses: lossStep = 64 } = rounding;
  const { maxTokens = Number.POSITIVE_INFINITY } = rounding;
  const longest = Math.max(...rows.map(inputLength));
  if (longest > maxTokens) {
    const name = rows.find((row) => inputLength(row) === longest)!.name;
    throw new DataError(`${name}: must have at most ${maxTokens} tokens, got ${longest}`);
  }
  const filled = rows.reduce((sum, row) => sum + inputLength(row), 0);
  const images = rows.reduce((sum, row) => sum + row.pixels.length, 0);
  const rounded = roundUp(images, imageStep);
  const tokens = Math.min(maxTokens, roundUp(longest, tokenStep));
  // Pictures that only round the number up need padding to lie on.
  const fits = rows.length * tokens - filled >= (rounded - images) * tokensPerImage;
  const counted = lossPositions(rows).length;
  const all = rows.length * tokens;
  const losses = Math.max(lossStep, roundUp(counted, lossStep));
  return {
    rows: rows.length,
    tokens,
    images: fits ? rounded : images,
    ...videoSizes(rows, imageSize),
    losses: losses > 0.8 * all ? all : losses,
  };
}

function videoSizes(rows: readonly TokenRow[], imageSize: number): Pick<BatchSizes, "videos"> {
  const lengths = rows.flatMap(({ videos = [] }) => videos.map(({ length }) => length));
  if (lengths.length === 0) return {};
  const frames = [...new Set(lengths.map((length) => length / (3 * imageSize ** 2)))];
  if (frames.length === 1) return { videos: { count: lengths.length, frames: frames[0] } };
  const names = rows.filter(({ videos = [] }) => videos.length > 0).map(({ name }) => name);
  throw new DataError(
    `${names.join(", ")}: the videos of a batch must have as many frames each, got ${frames.join(", ")}`,
  );
}

function lossPositions(rows: readonly TokenRow[], sizes?: BatchSizes): Position[] {
  return rows.flatMap((row, r) => {
    const positions: Position[] = [];
    for (let t = 0; t + 1 < row.ids.length && t < (sizes?.tokens ?? Number.POSITIVE_INFINITY); t++) {
      if (row.lossMask[t + 1]) positions.push([r, t]);
    }
    return positions;
  });
}

function tokenIds(rows: readonly TokenRow[], { tokens }: BatchSizes): HostTensor {
  const ids = allocate("int64", [rows.length, tokens]);
  for (const [r, row] of rows.entries()) {
    const used = inputLength(row);
    for (let t = 0; t < used; t++) ids.data[r * tokens + t] = BigInt(Math.max(0, row.ids[t]));
  }
  return ids;
}

function lossFeeds(
  rows: readonly TokenRow[],
  positions: readonly Position[],
  { losses, tokens }: BatchSizes,
): Record<string, HostTensor> {
  const labels = allocate("int64", [losses]);
  const weights = allocate("float32", [losses]);
  const all = losses === rows.length * tokens;
  const indices = allocate("int64", [all ? 0 : losses]);
  for (const [i, [r, t]] of positions.entries()) {
    const at = all ? r * tokens + t : i;
    labels.data[at] = BigInt(rows[r].ids[t + 1]);
    weights.data[at] = 1;
    if (!all) indices.data[i] = BigInt(r * tokens + t);
  }
  const common = { labels, loss_weights: weights };
  return all ? common : { ...common, loss_rows: indices };
}

function visualFeeds(
  rows: readonly TokenRow[],
  sizes: BatchSizes,
  { tokensPerImage, imageSize }: CollateOptions,
): Record<string, HostTensor> {
  const { images, videos } = sizes;
  if (images === 0 && videos === undefined) return {};
  const isVideo = (id: number): boolean => id === videoId;
  const pictures = [...positionsOf(rows, (id) => id < 0 && !isVideo(id)), ...paddingPositions(rows, sizes)];
  const used = [...pictures.slice(0, images * tokensPerImage), ...positionsOf(rows, isVideo)];
  const plane = [imageSize, imageSize];
  return {
    ...(images > 0 && {
      pixel_values: stacked(
        [images, 3, ...plane],
        rows.flatMap(({ pixels }) => pixels),
      ),
    }),
    ...(videos && {
      video_pixel_values: stacked(
        [videos.count, 3, videos.frames, ...plane],
        rows.flatMap((row) => row.videos ?? []),
      ),
    }),
    visual_positions: int64(used.flat(), [used.length, 2]),
  };
}

/** One after the other, zeros where there are fewer than the sizes say. */
function stacked(dims: readonly number[], all: readonly Float32Array[]): HostTensor {
  const tensor = allocate("float32", dims);
  for (const [i, one] of all.entries()) tensor.data.set(one, i * one.length);
  return tensor;
}

function positionsOf(rows: readonly TokenRow[], belongs: (id: number) => boolean): Position[] {
  return rows.flatMap((row, r) => row.ids.flatMap((id, t): Position[] => (belongs(id) ? [[r, t]] : [])));
}

function paddingPositions(rows: readonly TokenRow[], { tokens }: BatchSizes): Position[] {
  return rows.flatMap((row, r) =>
    Array.from({ length: tokens - inputLength(row) }, (_, i): Position => [r, inputLength(row) + i]),
  );
}
