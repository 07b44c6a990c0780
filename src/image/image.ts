import type { DecodedPixels } from "../platform/index.ts";
import {
  clippedGray16ToRgb,
  cmykToRgb,
  overWhite,
  premultiplied,
  unpremultiplied,
  withoutAlpha,
} from "./colour.ts";
import { toPixelValues } from "./pixel-values.ts";
import type { Preprocessor } from "./preprocessor-file.ts";
import { type DecodedImageFile, type ImageFile, type ReadOptions, readImage } from "./read-image.ts";
import { type Raster, type RgbImage, resizeGray16, resizeNearest, resizeRaster } from "./resize.ts";

/**
 * Reads a picture as RGB.
 *
 * With fidelity `reference` this is the training path of the released code: no EXIF orientation, transparency
 * dropped, palette colours looked up.
 *
 * @throws ImageError (FileError for a path that cannot be read) naming the file and the reason
 */
export async function decodeImage(source: ImageFile, options: ReadOptions = {}): Promise<RgbImage> {
  const picture = await readImage(source, options);
  return asRgbImage(options.fidelity === "reference" ? referenceRgb(picture) : expectedRgb(picture));
}

/**
 * Reads a picture as the vision encoder's input.
 *
 * With fidelity `reference` this is the inference path of the released code, which resizes a picture in the
 * form its file stores it in: palettes and bilevel by nearest neighbour, transparency premultiplied and then
 * dropped, inks as inks. Pictures of other models of the line (another `fit`), and of towers whose own file says how they are
 * resized, are made RGB first, there as here.
 *
 * @returns `[3, size, size]`, normalised
 */
export async function loadPixelValues(
  source: ImageFile,
  preprocessor: Preprocessor,
  options: ReadOptions = {},
): Promise<Float32Array> {
  const { size, fit, resample } = preprocessor;
  const isReleased = fit === undefined || fit === "squeeze";
  if (options.fidelity !== "reference" || !isReleased || resample !== undefined)
    return toPixelValues(await decodeImage(source, options), preprocessor);
  const picture = await readImage(source, options);
  return toPixelValues(asRgbImage(referenceResized(picture, size)), preprocessor);
}

function asRgbImage({ width, height, data }: Raster): RgbImage {
  return { width, height, data };
}

function raster(pixels: DecodedPixels): Raster {
  return { ...pixels, data: pixels.data as Uint8Array };
}

function expectedRgb({ mode, pixels }: DecodedImageFile): Raster {
  return mode === "cmyk" ? cmykToRgb(raster(pixels)) : overWhite(raster(pixels));
}

function referenceRgb({ mode, pixels }: DecodedImageFile): Raster {
  if (mode === "cmyk") return cmykToRgb(raster(pixels));
  if (mode === "gray16") return clippedGray16ToRgb(firstChannel(pixels), pixels.width, pixels.height);
  return withoutAlpha(raster(pixels));
}

function referenceResized(picture: DecodedImageFile, size: number): Raster {
  const { mode, pixels } = picture;
  if (pixels.width === size && pixels.height === size) return referenceRgb(picture);
  switch (mode) {
    case "cmyk":
      return cmykToRgb(resizeRaster(raster(pixels), size, size));
    case "gray16": {
      const resized = resizeGray16(firstChannel(pixels), pixels, { width: size, height: size });
      return clippedGray16ToRgb(resized, size, size);
    }
    case "palette":
    case "bilevel":
      return resizeNearest(withoutAlpha(raster(pixels)), size, size);
    case "opaque":
      return resizeRaster(withoutAlpha(raster(pixels)), size, size);
    case "alpha":
      if (pixels.channels === 3) return resizeRaster(raster(pixels), size, size);
      return withoutAlpha(unpremultiplied(resizeRaster(premultiplied(raster(pixels)), size, size)));
  }
}

function firstChannel({ data, channels }: DecodedPixels): Uint16Array {
  const gray = data as Uint16Array;
  return channels === 1 ? gray : gray.filter((_, i) => i % channels === 0);
}
