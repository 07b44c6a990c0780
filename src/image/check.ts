import { newDigest, openFile } from "../platform/index.ts";
import { decodeImage } from "./image.ts";
import { headerOf, ImageError, MAX_BYTES, requirePixels } from "./read-image.ts";
import { decodeVideo, requireVideoKind } from "./video.ts";

/** The header of nearly every picture ends before. */
const beginning = 2 ** 16;

/**
 * Looks at a picture's file without decoding it: whether it is there, is a picture by its content, and is not too large.
 *
 * @param whole decode it too: that alone tells whether its data are damaged or cut
 * @returns what changes when the file does: its size, and a checksum of its beginning
 * @throws ImageError (FileError for a path that cannot be read) naming the file and the reason
 */
export async function checkImage(
  path: string,
  { whole = false }: { readonly whole?: boolean } = {},
): Promise<string> {
  const { bytes, size, mark } = await firstBytes(path);
  if (size > MAX_BYTES) {
    throw new ImageError(`${path}: must have at most ${MAX_BYTES} bytes, got ${size}; make it smaller`);
  }
  if (whole) await decodeImage(path);
  else await checkHeader(path, bytes, size);
  return mark;
}

async function checkHeader(path: string, bytes: Uint8Array, size: number): Promise<void> {
  try {
    requirePixels(await headerOf(bytes, path), path);
  } catch (error) {
    // A header may be longer than usual, or stand at the end.
    if (bytes.byteLength === size) throw error;
    const all = await firstBytes(path, size);
    requirePixels(await headerOf(all.bytes, path), path);
  }
}

/**
 * The same for a video.
 *
 * @param decoding decode so many frames of it, too
 * @throws VideoError, ImageError or FileError naming the file and the reason
 */
export async function checkVideo(
  path: string,
  decoding?: { readonly frames: number; readonly size: number },
): Promise<string> {
  const { bytes, mark } = await firstBytes(path);
  requireVideoKind(bytes, path);
  if (decoding !== undefined) await decodeVideo(path, decoding);
  return mark;
}

async function firstBytes(
  path: string,
  most = beginning,
): Promise<{ readonly bytes: Uint8Array; readonly size: number; readonly mark: string }> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(Math.min(file.size, most));
    await file.read(bytes, 0);
    const digest = newDigest("sha256");
    digest.update(bytes);
    return { bytes, size: file.size, mark: `${file.size} ${digest.hex()}` };
  } finally {
    await file.close();
  }
}
