/** What visual tokens show. */
export type MediaKind = "image" | "video";

/** Where the visual tokens of one image or video stand in a sequence of token ids. */
export interface MediaSpan {
  readonly kind: MediaKind;
  /** Index of its first position in the sequence. */
  readonly start: number;
  /** How many positions it has: as many as the image or video has visual tokens. */
  readonly length: number;
  /** Which of its picture's tiles it is, where the model reads pictures in tiles; each tile has a span of its own. */
  readonly tile?: number;
}

/** A sequence of token ids and where images and videos lie in it, in reading order. */
export interface TokenSequence {
  /** Within spans {@link placeholderIds}, which no computation reads. */
  readonly ids: readonly number[];
  readonly spans: readonly MediaSpan[];
}

/** Ids of positions whose embeddings are visual tokens. They are negative, so no vocabulary has them. */
const placeholderId: Readonly<Record<MediaKind, number>> = { image: -1, video: -2 };

/** What stands in token ids for an image or video of so many positions. */
export function placeholderIds({ kind, length }: Omit<MediaSpan, "start">): number[] {
  return new Array<number>(length).fill(placeholderId[kind]);
}

/**
 * The spans that placeholder ids mean, for inputs that come without spans (tensors of other implementations, prompts written
 * by hand). Neighbouring placeholders of a kind belong together, up to the length of one image or video.
 *
 * @param tokensPerMedia positions of each image or video; absent: a span reaches as far as its placeholders do
 */
export function spansOfPlaceholders(ids: ArrayLike<number>, tokensPerMedia = Infinity): MediaSpan[] {
  const spans: MediaSpan[] = [];
  for (let start = 0; start < ids.length; ) {
    const kind = mediaKindOf(ids[start]);
    let end = start + 1;
    while (
      kind !== undefined &&
      end < ids.length &&
      end - start < tokensPerMedia &&
      mediaKindOf(ids[end]) === kind
    )
      end++;
    if (kind !== undefined) spans.push({ kind, start, length: end - start });
    start = end;
  }
  return spans;
}

/** Any negative id but a video's stands for an image. */
function mediaKindOf(id: number): MediaKind | undefined {
  if (id >= 0) return undefined;
  return id === placeholderId.video ? "video" : "image";
}

/** The end of a span: the index of the first position behind it. */
export function endOf({ start, length }: MediaSpan): number {
  return start + length;
}

/** The spans of `ids.slice(from, to)`: a span that reaches over an end is cut there. */
export function sliceSpans(spans: readonly MediaSpan[], from: number, to = Infinity): MediaSpan[] {
  return spans.flatMap((span) => {
    const start = Math.max(span.start, from);
    const length = Math.min(endOf(span), to) - start;
    return length > 0 ? [{ kind: span.kind, start: start - from, length }] : [];
  });
}

/** How many positions spans have together. */
export function positionCount(spans: readonly MediaSpan[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}
