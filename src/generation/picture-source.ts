import {
  type Fidelity,
  loadPixelValues,
  type Preprocessor,
  type RgbImage,
  toPixelValues,
} from "../image/index.ts";
import { fetchBytes, pathOfUrl } from "../platform/index.ts";
import { type Picture, pictureOf } from "./prompt.ts";

/** A picture: a path, a `file:`, `http(s):` or `data:` URL, the bytes of a picture file, or decoded RGB. */
export type PictureSource = string | URL | Uint8Array | RgbImage;

/**
 * Reads a picture as the vision encoder sees it.
 *
 * @throws ImageError or FileError naming the file and the reason
 */
export async function readPicture(
  source: PictureSource,
  preprocessor: Preprocessor,
  fidelity: Fidelity = "default",
): Promise<Picture> {
  if (isRgbImage(source)) return pictureOf(toPixelValues(source, preprocessor));
  const readable = source instanceof URL ? (pathOfUrl(source) ?? (await fetchBytes(source))) : source;
  return pictureOf(await loadPixelValues(readable, preprocessor, { fidelity }));
}

function isRgbImage(source: PictureSource): source is RgbImage {
  return typeof source === "object" && "width" in source;
}
