import { type MediaKind, type MediaSpan, placeholderIds } from "../model/index.ts";

/** How many positions pictures and videos take in a text. */
export interface MediaPositions {
  /** Positions of one picture, tile of a picture or video: the model's queries + 1. */
  readonly tokensPerImage: number;
  /** How many tiles each picture or video has, in reading order; absent: each is one. */
  readonly tiles?: readonly number[] | undefined;
  /**
   * Of models whose pictures stand beside the text: the tokens of a picture's marker, which take the place of positions of its own. The
   * picture lies at the first.
   */
  readonly marker?: readonly number[] | undefined;
}

/** A picture or video among ids. */
export interface PlacedMedium {
  /** Where it lies; those of a picture's tiles stand side by side. */
  readonly spans: readonly MediaSpan[];
  /** The ids in its place. */
  readonly ids: readonly number[];
}

/**
 * Gives pictures and videos their places, one after the other in reading order.
 *
 * @returns the place of the next one, from a position on
 */
export function mediaPlacer({
  tokensPerImage: length,
  tiles,
  marker,
}: MediaPositions): (kind: MediaKind, start: number) => PlacedMedium {
  let next = 0;
  return (kind, start) => {
    if (marker !== undefined) return { spans: [{ kind, start, length: 1 }], ids: marker };
    const count = tiles?.[next++];
    const spans =
      count === undefined
        ? [{ kind, start, length }]
        : Array.from({ length: count }, (_, tile) => ({ kind, start: start + tile * length, length, tile }));
    return { spans, ids: spans.flatMap(placeholderIds) };
  };
}

/** How many positions the first picture or video takes. */
export function positionsOfFirst(positions: MediaPositions): number {
  return mediaPlacer(positions)("image", 0).ids.length;
}
