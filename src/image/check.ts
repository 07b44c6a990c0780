import { type ImageHeader, newDigest, openFile } from "../platform/index.ts";
import { decodeImage } from "./image.ts";
import { headerOf, ImageError, MAX_BYTES, requirePixels } from "./read-image.ts";
import { decodeVideo, requireVideoKind } from "./video.ts";

/** Nearly every picture's header ends within so many bytes. */
const headerBytes = 2 ** 16;

/** A picture that lies in a file with others, which is read when it is needed. */
export interface StoredImage {
  /** What errors call it. */
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/**
 * Checks a picture's file without decoding it: that it is there, is a picture by its content, and is not too large.
 *
 * @param whole decode it too, which alone tells whether its data are damaged or truncated
 * @returns a fingerprint of the file: its size, and a checksum of its first 64 KiB
 * @throws ImageError (FileError for a path that cannot be read) naming the file and the reason
 */
export async function checkImage(
  source: string | StoredImage,
  { whole = false }: { readonly whole?: boolean } = {},
): Promise<string> {
  return typeof source === "string" ? checkImageFile(source, whole) : checkStoredImage(source, whole);
}

async function checkStoredImage({ name, read }: StoredImage, whole: boolean): Promise<string> {
  const bytes = await read();
  if (bytes.length > MAX_BYTES)
    throw new ImageError(
      `${name}: must have at most ${MAX_BYTES} bytes, got ${bytes.length}; make it smaller`,
    );
  if (whole) await decodeImage(bytes, { name });
  else requirePixels(await headerOf(bytes, name), name);
  return fingerprintOf(bytes.subarray(0, headerBytes), bytes.length);
}

async function checkImageFile(path: string, whole: boolean): Promise<string> {
  const { bytes, size, fingerprint } = await readBeginning(path);
  if (size > MAX_BYTES) {
    throw new ImageError(`${path}: must have at most ${MAX_BYTES} bytes, got ${size}; make it smaller`);
  }
  if (whole) await decodeImage(path);
  else await checkHeader(path, bytes, size);
  return fingerprint;
}

async function checkHeader(path: string, bytes: Uint8Array, size: number): Promise<void> {
  requirePixels(await headerOfBeginning(path, bytes, size), path);
}

async function headerOfBeginning(path: string, bytes: Uint8Array, size: number): Promise<ImageHeader> {
  try {
    return await headerOf(bytes, path);
  } catch (error) {
    // A header may be longer than usual, or stand at the end.
    if (bytes.byteLength === size) throw error;
    const all = await readBeginning(path, size);
    return headerOf(all.bytes, path);
  }
}

/**
 * The size of a picture as it is seen, which its header tells: nothing is decoded.
 *
 * @throws ImageError (FileError for a path that cannot be read) naming the file and the reason
 */
export async function pictureSize(
  source: string | StoredImage,
): Promise<{ readonly width: number; readonly height: number }> {
  const { width, height, isTurned } = await (typeof source === "string"
    ? headerOfFile(source)
    : headerOf(await source.read(), source.name));
  return isTurned ? { width: height, height: width } : { width, height };
}

async function headerOfFile(path: string): Promise<ImageHeader> {
  const { bytes, size } = await readBeginning(path);
  return headerOfBeginning(path, bytes, size);
}

/**
 * Checks a video's file: that it is there and is a video or an animation by its content.
 *
 * @param decoding decode so many of its frames, too
 * @returns a fingerprint of the file, as of a picture's
 * @throws VideoError, ImageError or FileError naming the file and the reason
 */
export async function checkVideo(
  path: string,
  decoding?: { readonly frames: number; readonly size: number },
): Promise<string> {
  const { bytes, fingerprint } = await readBeginning(path);
  requireVideoKind(bytes, path);
  if (decoding !== undefined) await decodeVideo(path, decoding);
  return fingerprint;
}

async function readBeginning(
  path: string,
  most = headerBytes,
): Promise<{ readonly bytes: Uint8Array; readonly size: number; readonly fingerprint: string }> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(Math.min(file.size, most));
    await file.read(bytes, 0);
    return { bytes, size: file.size, fingerprint: fingerprintOf(bytes, file.size) };
  } finally {
    await file.close();
  }
}

function fingerprintOf(beginning: Uint8Array, size: number): string {
  const digest = newDigest("sha256");
  digest.update(beginning);
  return `${size} ${digest.hex()}`;
}
