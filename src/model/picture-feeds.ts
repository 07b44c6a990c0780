import { float32, type HostTensor, int64 } from "../tensor/index.ts";
import { firstToSee, type HyperSettings, picturePosition } from "./language/hyper-settings.ts";
import type { OwlConfig } from "./owl-config.ts";

/** How a model's layers look at pictures that stand beside the text; undefined where its pictures stand in it. */
export function hyperOf({ language }: Pick<OwlConfig, "language">): HyperSettings | undefined {
  return "hyper" in language ? language.hyper : undefined;
}

/** As good as −∞ in a score. */
const HIDDEN = -1e30;

/** Where pictures beside the text stand. */
export interface PicturePlaces {
  /** For each row where the markers of its pictures begin, ascending. */
  readonly starts: readonly (readonly number[])[];
  /** Visual tokens of a picture. */
  readonly perPicture: number;
  /** Visual tokens that a row has room for, those of its pictures first. */
  readonly visual: number;
  /** The lengths of each row's samples, which do not see each other's pictures; absent: a row is one. See `packedFeeds`. */
  readonly samples?: readonly (readonly number[])[] | undefined;
}

/** Tokens of a row that are computed: as many for all rows. */
export interface ComputedTokens {
  readonly count: number;
  /** The position of each row's first. */
  readonly from: readonly number[];
}

/** Which pictures tokens see. */
export interface SeenPictures {
  /** 0 for the visual tokens that a token sees, else as good as −∞: [rows, 1, tokens, visual]. */
  readonly picture_mask: HostTensor<"float32">;
  /** 1 where a token sees a picture, else 0: [rows, tokens, 1]. */
  readonly picture_seen: HostTensor<"float32">;
}

/** Which pictures tokens see: those whose markers begin before them (or, in the versions without a gate, with them). */
export function seenPictures(
  hyper: HyperSettings,
  { starts, perPicture, visual, samples }: PicturePlaces,
  { count, from }: ComputedTokens,
): SeenPictures {
  const mask = new Float32Array(starts.length * count * visual).fill(HIDDEN);
  const seen = new Float32Array(starts.length * count);
  for (const [row, ofRow] of starts.entries()) {
    const sampleAt = sampleFinder(samples?.[row]);
    for (let token = 0; token < count; token++) {
      const position = from[row] + token;
      const own = sampleAt(position);
      const before = ofRow.filter((start) => start < own).length;
      const shown = ofRow.filter((start) => position >= firstToSee(hyper, start)).length;
      if (shown <= before) continue;
      const at = row * count + token;
      mask.fill(0, at * visual + before * perPicture, at * visual + shown * perPicture);
      seen[at] = 1;
    }
  }
  return {
    picture_mask: float32(mask, [starts.length, 1, count, visual]),
    picture_seen: float32(seen, [starts.length, count, 1]),
  };
}

/** Tells where the sample of a position of a row begins; what stands behind all of them is one too. */
function sampleFinder(lengths: readonly number[] = []): (position: number) => number {
  const starts = [0];
  for (const length of lengths) starts.push(starts[starts.length - 1] + length);
  return (position) => starts.findLast((start) => start <= position) ?? 0;
}

/** The positions of visual tokens' keys, counted from the beginning of their sample. */
export function picturePositions(
  hyper: HyperSettings,
  starts: readonly number[],
  { perPicture, visual }: Pick<PicturePlaces, "perPicture" | "visual">,
  samples?: readonly number[],
): number[] {
  const sampleAt = sampleFinder(samples);
  return Array.from({ length: visual }, (_, i) => {
    const start = starts[Math.floor(i / perPicture)];
    return start === undefined ? 0 : picturePosition(hyper, start) - sampleAt(start);
  });
}

/** The inputs of a batch of whole sequences whose pictures stand beside the text. */
export interface PictureFeeds extends SeenPictures {
  /** Which of all visual tokens, one picture after the other, a row has: [rows, visual]. */
  readonly picture_rows: HostTensor<"int64">;
  /** The positions of their keys: [rows, visual]. */
  readonly picture_positions: HostTensor<"int64">;
}

/** The inputs of a batch of whole sequences of so many tokens; all rows' pictures lie one after the other. */
export function pictureFeeds(hyper: HyperSettings, places: PicturePlaces, tokens: number): PictureFeeds {
  const { starts, perPicture, visual } = places;
  const dims = [starts.length, visual];
  let first = 0;
  const rows = starts.flatMap((ofRow) => {
    const own = Array.from({ length: dims[1] }, (_, i) => (i < ofRow.length * perPicture ? first + i : 0));
    first += ofRow.length * perPicture;
    return own;
  });
  return {
    picture_rows: int64(rows, dims),
    picture_positions: int64(
      starts.flatMap((ofRow, row) => picturePositions(hyper, ofRow, places, places.samples?.[row])),
      dims,
    ),
    ...seenPictures(hyper, places, { count: tokens, from: starts.map(() => 0) }),
  };
}
