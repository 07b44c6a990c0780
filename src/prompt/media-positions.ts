import { type MediaKind, type MediaSpan, positionCount } from "../model/index.ts";

/** How many positions pictures and videos take in a text. */
export interface MediaPositions {
  /** Positions of one picture, tile of a picture or video: the model's queries + 1. */
  readonly tokensPerImage: number;
  /** How many tiles each picture or video has, in reading order; absent: each is one. */
  readonly tiles?: readonly number[] | undefined;
}

/**
 * Gives pictures and videos their spans, one after the other in reading order: those of a picture's tiles stand side by side.
 *
 * @returns the spans of the next one, from a position on
 */
export function spanMaker({
  tokensPerImage: length,
  tiles,
}: MediaPositions): (kind: MediaKind, start: number) => MediaSpan[] {
  let next = 0;
  return (kind, start) => {
    const count = tiles?.[next++];
    if (count === undefined) return [{ kind, start, length }];
    return Array.from({ length: count }, (_, tile) => ({ kind, start: start + tile * length, length, tile }));
  };
}

/** How many positions the first picture or video takes. */
export function positionsOfFirst(positions: MediaPositions): number {
  return positionCount(spanMaker(positions)("image", 0));
}
