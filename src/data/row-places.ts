import { fittingGrid, type Preprocessor, type RgbImage, tileCount } from "../image/index.ts";
import { type RowPictures, seesCut } from "../prompt/index.ts";
import type { EncodingOptions } from "./encode-text.ts";

/** How a model reads the pictures of rows. */
export interface PictureReading {
  /** Undefined: rows have no pictures. */
  readonly preprocessor: Preprocessor | undefined;
  /** Of models whose pictures stand beside the text (mPLUG-Owl3): in which words, and by which tokens. */
  readonly beside?: Pick<RowPictures, "words" | "marker"> | undefined;
}

/** The size of a picture in pixels. */
type PictureSize = Pick<RgbImage, "width" | "height">;

/**
 * What a row's pictures and videos are in its text.
 *
 * @param images undefined where a picture's size is not known
 * @param frames how many each video has
 */
export function rowPlaces(
  { preprocessor, beside }: PictureReading,
  images: readonly (PictureSize | undefined)[],
  frames: readonly number[],
): Pick<EncodingOptions, "tiles" | "pictures"> {
  if (preprocessor === undefined) return {};
  if (beside === undefined) {
    if (preprocessor.grids === undefined) return {};
    return { tiles: images.map((image) => (image === undefined ? 1 : tileCount(image, preprocessor))) };
  }
  const reading = cutOrWhole(preprocessor, beside, images.length + frames.length);
  const grids = images.map((image) => image && fittingGrid(image, reading));
  return { pictures: { ...beside, grids, frames } };
}

/** The preprocessing of a row with so many pictures and videos, which stand beside its text. */
export function cutOrWhole(
  { cuts, ...whole }: Preprocessor,
  { words }: Pick<RowPictures, "words">,
  media: number,
): Preprocessor {
  return cuts && seesCut(words, media) ? { ...whole, cuts } : whole;
}
