import {
  type BatchPosition,
  endOf,
  type HyperSettings,
  inputIds,
  labelFeeds,
  type MediaKind,
  mediaPositions,
  pictureFeeds,
  positionCount,
  predictionsOf,
  tilePositions,
  visualPositions,
} from "../model/index.ts";
import { allocate, type HostTensor } from "../tensor/index.ts";
import { DataError } from "./example.ts";
import { joinedRows, separatingFeeds, sharedSequences, unpredicted } from "./packing.ts";
import type { TokenRow } from "./token-row.ts";

/** Sizes of a batch; every different set of sizes needs a program of its own. */
export interface BatchSizes {
  readonly rows: number;
  readonly tokens: number;
  readonly images: number;
  /** Pictures a row has room for, where they stand beside the text; absent: the batch has none, or they stand in it. */
  readonly picturesPerRow?: number;
  /** Absent where there are none. */
  readonly videos?: { readonly count: number; readonly frames: number };
  /** Positions whose logits are computed; rows · tokens means all of them. */
  readonly losses: number;
  /** Whether a row of the batch holds several rows of data, which do not see each other. */
  readonly packed?: true;
}

/** How padding rounds sizes up (`pad_to_multiple_of` in transformers), so that few different ones occur and programs are reused. */
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
   * and 0 for others; where there are pictures `pixel_values` float32 [images, 3, size, size], of tiles also
   * `patch_positions` int64 [images, 2], where there are videos
   * `video_pixel_values` float32 [videos, 3, frames, size, size], and with either `visual_positions` int64
   * [(images + videos) · tokensPerImage, 2], the pictures' first, or, of pictures beside the text, what `pictureFeeds` makes; where rows are
   * packed also what `packedFeeds` makes.
   */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Positions whose prediction counts in the loss. */
  readonly labelCount: number;
  /** Positions that are no padding. */
  readonly tokenCount: number;
  /** Names of rows without a label: they teach nothing. */
  readonly rowsWithoutLabels: readonly string[];
  /** Names of all rows, for errors. */
  readonly rowNames?: readonly string[] | undefined;
}

export interface CollateOptions {
  readonly tokensPerImage: number;
  /** Height and width of pictures. */
  readonly imageSize: number;
  /** How the model's layers look at pictures beside the text; absent: pictures stand in it. */
  readonly hyper?: HyperSettings | undefined;
  readonly rounding?: Rounding;
  /**
   * Rows are put behind each other into sequences of at most so many tokens, in which they do not see each other: the loss and its
   * gradients are those of the rows by themselves, up to rounding. A row a sequence if absent.
   */
  readonly sequenceTokens?: number | undefined;
}

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/**
 * Puts rows into one batch: padded on the right with id 0, where causal attention keeps padding out of sight of
 * every token. Token t predicts token t + 1.
 */
export function collate(rows: readonly TokenRow[], options: CollateOptions): TokenBatch {
  for (const row of rows) requireMedia(row, options);
  const packing = sequencesOf(rows, options);
  const laid = packing?.map(joinedRows) ?? rows;
  const predictions = predictionsOf(laid);
  const sizes = sizesOf(laid, predictions.length, options);
  const { tokens: length, losses } = sizes;
  const lossRows = losses === laid.length * length ? undefined : losses;
  return {
    sizes,
    feeds: {
      input_ids: inputIds(
        laid.map((row) => row.ids.slice(0, inputLength(row))),
        length,
      ),
      ...labelFeeds(predictions, { rows: laid.length, length, lossRows }, 1),
      ...visualFeeds(laid, sizes, options, packing),
      ...(packing && separatingFeeds(packing, length)),
    },
    labelCount: predictions.length,
    tokenCount: tokenCountOf(rows),
    rowsWithoutLabels: rows.filter((row) => !hasLabel(row)).map((row) => row.name),
    rowNames: rows.map((row) => row.name),
  };
}

const tokenStep = ({ tokens = 32 }: Rounding = {}): number => tokens;

/** The rows of each sequence, where they share sequences. */
function sequencesOf(
  rows: readonly TokenRow[],
  { sequenceTokens, rounding }: CollateOptions,
): TokenRow[][] | undefined {
  if (sequenceTokens === undefined) return undefined;
  const lengths = rows.map(({ ids }) => ids.length);
  const shared = sharedSequences(lengths, sequenceTokens, tokenStep(rounding));
  return shared.map((sequence) => sequence.map((row) => unpredicted(rows[row])));
}

const hasLabel = ({ lossMask }: TokenRow): boolean => lossMask.some((learned, t) => learned && t > 0);

function requireMedia(row: TokenRow, { tokensPerImage, hyper }: CollateOptions): void {
  if (hyper !== undefined) {
    if (row.spans.length === row.pixels.length) return;
    throw new DataError(
      `${row.name}: needs a marker for each of its ${row.pixels.length} pictures, got ${row.spans.length}`,
    );
  }
  const videoCount = row.videos?.length ?? 0;
  const [images, videos] = [spansOf(row, "image"), spansOf(row, "video")];
  const fits =
    images.length === row.pixels.length &&
    videos.length === videoCount &&
    row.spans.every(({ length }) => length === tokensPerImage);
  const last = row.spans.at(-1);
  if (!fits || (last !== undefined && endOf(last) === row.ids.length)) {
    const also = videoCount + videos.length > 0 ? ` and ${videoCount} videos` : "";
    const more = also === "" ? "" : ` and ${positionCount(videos)}`;
    throw new DataError(
      `${row.name}: needs ${tokensPerImage} positions for each of its ${row.pixels.length} pictures${also} and text after them, got ${positionCount(images)}${more} positions`,
    );
  }
}

const spansOf = ({ spans }: TokenRow, kind: MediaKind) => spans.filter((span) => span.kind === kind);

const inputLength = (row: TokenRow): number => Math.max(1, row.ids.length - 1);

const tokenCountOf = (rows: readonly TokenRow[]): number =>
  rows.reduce((sum, row) => sum + inputLength(row), 0);

function sizesOf(
  rows: readonly TokenRow[],
  labelCount: number,
  { tokensPerImage, imageSize, sequenceTokens, hyper, rounding = {} }: CollateOptions,
): BatchSizes {
  const { images: imageStep = 1, losses: lossStep = 64 } = rounding;
  const { maxTokens = Number.POSITIVE_INFINITY } = rounding;
  const longest = Math.max(...rows.map(inputLength));
  if (longest > maxTokens) {
    const name = rows.find((row) => inputLength(row) === longest)!.name;
    throw new DataError(`${name}: must have at most ${maxTokens} tokens, got ${longest}`);
  }
  const images = rows.reduce((sum, row) => sum + row.pixels.length, 0);
  const rounded = roundUp(images, imageStep);
  const tokens = Math.min(maxTokens, roundUp(longest, tokenStep(rounding)));
  // Pictures that only round the number up need padding to lie on.
  const all = rows.length * tokens;
  const fits = hyper !== undefined || all - tokenCountOf(rows) >= (rounded - images) * tokensPerImage;
  const losses = Math.max(lossStep, roundUp(labelCount, lossStep));
  return {
    rows: rows.length,
    tokens,
    images: fits ? rounded : images,
    ...(hyper && images > 0 && { picturesPerRow: roundUp(mostPictures(rows), imageStep) }),
    ...videoSizes(rows, imageSize),
    losses: losses > 0.8 * all ? all : losses,
    ...(sequenceTokens !== undefined && { packed: true }),
  };
}

/** Pictures of the row that has the most. */
function mostPictures(rows: readonly TokenRow[]): number {
  return Math.max(...rows.map(({ pixels }) => pixels.length));
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

function visualFeeds(
  rows: readonly TokenRow[],
  sizes: BatchSizes,
  options: CollateOptions,
  packing?: readonly (readonly TokenRow[])[],
): Record<string, HostTensor> {
  const { images, videos } = sizes;
  if (images === 0 && videos === undefined) return {};
  const { tokensPerImage, imageSize, hyper } = options;
  const imagePositions = [...mediaPositions(rows, "image"), ...paddingPositions(rows, sizes)];
  const used = [...imagePositions.slice(0, images * tokensPerImage), ...mediaPositions(rows, "video")];
  const plane = [imageSize, imageSize];
  return {
    ...(images > 0 && {
      pixel_values: stacked(
        [images, 3, ...plane],
        rows.flatMap(({ pixels }) => pixels),
      ),
    }),
    ...tileFeeds(rows, images),
    ...(videos && {
      video_pixel_values: stacked(
        [videos.count, 3, videos.frames, ...plane],
        rows.flatMap((row) => row.videos ?? []),
      ),
    }),
    ...(hyper === undefined
      ? { visual_positions: visualPositions(used) }
      : besideFeeds(rows, sizes, { hyper, tokensPerImage }, packing)),
  };
}

/** Where pictures beside the text stand, and which tokens see them. */
function besideFeeds(
  rows: readonly TokenRow[],
  { tokens, picturesPerRow: room = 0 }: BatchSizes,
  { hyper, tokensPerImage: perPicture }: { readonly hyper: HyperSettings; readonly tokensPerImage: number },
  packing?: readonly (readonly TokenRow[])[],
): Record<string, HostTensor> {
  const starts = rows.map(({ spans }) => spans.map(({ start }) => start));
  const samples = packing?.map((sequence) => sequence.map(({ ids }) => ids.length));
  return { ...pictureFeeds(hyper, { starts, perPicture, visual: room * perPicture, samples }, tokens) };
}

/** Where tiles lie; those that only round the number up lie anywhere. */
function tileFeeds(rows: readonly TokenRow[], images: number): Record<string, HostTensor> {
  const positions = rows.flatMap((row) => row.positions ?? []);
  if (positions.length === 0) return {};
  const padding = Array.from({ length: images - positions.length }, () => [0, 0] as const);
  return { patch_positions: tilePositions([...positions, ...padding]) };
}

/** One after the other, zeros where there are fewer than the sizes say. */
function stacked(dims: readonly number[], all: readonly Float32Array[]): HostTensor {
  const tensor = allocate("float32", dims);
  for (const [i, one] of all.entries()) tensor.data.set(one, i * one.length);
  return tensor;
}

function paddingPositions(rows: readonly TokenRow[], { tokens }: BatchSizes): BatchPosition[] {
  return rows.flatMap((row, r) =>
    Array.from({ length: tokens - inputLength(row) }, (_, i): BatchPosition => [r, inputLength(row) + i]),
  );
}
