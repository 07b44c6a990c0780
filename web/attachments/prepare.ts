import {
  bytesOfKind,
  decodePixels,
  fileKind,
  foundInstead,
  JpegScanError,
  wholeImage,
} from "../../src/platform/index.ts";
import type { BackendLimits } from "../backends/backend.ts";

/** A file as it is sent, and a note of what was changed for that. */
export interface PreparedFile {
  readonly kind: "image" | "video";
  readonly name: string;
  readonly file: Blob;
  readonly note?: string | undefined;
}

/** A file cannot be sent; the message says why, in words. */
export class AttachmentError extends Error {
  override name = "AttachmentError";
}

const longestSide = 2048;

/**
 * Makes a file ready for a backend. Its kind is told by its content, as names and media types may be missing or wrong. Pictures
 * stay as they are unless they are larger than the backend takes or of a format that it does not read: those are encoded anew
 * (smaller, or as PNG), and the note says so.
 *
 * @throws AttachmentError for what is no picture or video, damaged, or too large
 */
export async function prepareFile(file: File, limits: BackendLimits): Promise<PreparedFile> {
  const name = file.name || "picture";
  const beginning = await headOf(file, name);
  if (file.size === 0) throw new AttachmentError(`"${name}" is an empty file.`);
  const kind = fileKind(beginning);
  if (kind?.group === "video") {
    const typed = new Blob([file], { type: kind.mediaType });
    if (file.size <= limits.videoBytes) return { kind: "video", name, file: typed };
    throw new AttachmentError(
      `"${name}" has ${megabytes(file.size)}; a video may have ${megabytes(limits.videoBytes)}. Cut it shorter.`,
    );
  }
  // A format that this page does not know, the browser may still decode.
  if (kind === undefined && file.type.startsWith("image/")) return preparePicture(file, name, limits);
  if (kind?.group !== "picture") throw new AttachmentError(`"${name}" is ${foundInstead(beginning)}.`);
  const whole = ["JPEG", "PNG"].includes(kind.name) ? await readWhole(file, name) : file;
  const typed = new Blob([whole], { type: kind.mediaType });
  return preparePicture(typed, name, limits, `"${name}" is ${foundInstead(beginning)}.`);
}

/** @throws AttachmentError for what cannot be read, such as a folder */
async function headOf(file: File, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, bytesOfKind).arrayBuffer());
  } catch {
    throw new AttachmentError(
      `"${name}" cannot be read. If it is a folder, open it and choose the pictures in it.`,
    );
  }
}

/**
 * A file that is whole, as some decoders want it. Browsers show a JPEG that was cut or changed, and say nothing.
 *
 * @throws AttachmentError
 */
async function readWhole(file: File, name: string): Promise<Blob> {
  try {
    return new Blob([wholeImage(new Uint8Array(await file.arrayBuffer())) as Uint8Array<ArrayBuffer>]);
  } catch (error) {
    if (!(error instanceof JpegScanError)) throw error;
    throw new AttachmentError(
      `"${name}" cannot be read as a picture: it is damaged or was cut (${error.message}).`,
    );
  }
}

/** @param otherwise what is told where the browser cannot decode it and its format is none that is taken */
async function preparePicture(
  file: Blob,
  name: string,
  limits: BackendLimits,
  otherwise?: string,
): Promise<PreparedFile> {
  const isTaken = limits.pictureTypes.includes(file.type);
  const bitmap = await decode(file, name, isTaken ? undefined : otherwise);
  try {
    const { width, height } = bitmap;
    const isTooLarge = file.size > limits.pictureBytes || width * height > limits.picturePixels;
    if (!isTooLarge && isTaken) return { kind: "image", name, file };
    const scale = isTooLarge ? Math.min(1, longestSide / Math.max(width, height)) : 1;
    const drawn = await upright(file, bitmap);
    const type = isTooLarge ? "image/jpeg" : "image/png";
    const { blob, scale: final } = await drawToFit(drawn, scale, type, limits);
    const note = preparationNote({ width: drawn.width, height: drawn.height, final, from: file, to: blob });
    return { kind: "image", name, file: blob, note };
  } finally {
    bitmap.close();
  }
}

/** A picture turned as its file says, which browsers do for some formats only. */
async function upright(file: Blob, bitmap: ImageBitmap): Promise<ImageBitmap> {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const read = { decoding: "colour", orient: true, maxPixels: Number.POSITIVE_INFINITY } as const;
    const { data, width, height } = await decodePixels(bytes, read);
    const pixels = new Uint8ClampedArray(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    return await createImageBitmap(new ImageData(pixels, width, height));
  } catch {
    // A format that the page itself does not read, as BMP: it is as the browser shows it.
    return bitmap;
  }
}

/** Draws a picture smaller and smaller, until it has no more bytes than the backend takes. */
async function drawToFit(
  bitmap: ImageBitmap,
  first: number,
  type: string,
  { pictureBytes }: BackendLimits,
): Promise<{ blob: Blob; scale: number }> {
  let scale = first;
  let blob = await draw(bitmap, scale, type);
  while (blob.size > pictureBytes && Math.max(bitmap.width, bitmap.height) * scale > 1) {
    scale /= 2;
    blob = await draw(bitmap, scale, "image/jpeg");
  }
  return { blob, scale };
}

/** What was changed of a picture, in words. */
export function preparationNote(done: {
  readonly width: number;
  readonly height: number;
  /** Factor of its sides. */
  readonly final: number;
  readonly from: { readonly size: number; readonly type: string };
  readonly to: { readonly size: number; readonly type: string };
}): string {
  const { width, height, final, from, to } = done;
  const size = (factor: number) =>
    `${Math.max(1, Math.round(width * factor))} × ${Math.max(1, Math.round(height * factor))}`;
  if (size(final) !== size(1)) return `made smaller to be sent: ${size(1)} → ${size(final)}`;
  if (to.size < from.size) return `compressed to be sent: ${megabytes(from.size)} → ${megabytes(to.size)}`;
  return "rewritten in a format that can be sent";
}

async function decode(file: Blob, name: string, otherwise?: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new AttachmentError(
      otherwise ?? `"${name}" cannot be read as a picture: it is damaged, or of an unknown format.`,
    );
  }
}

async function draw(bitmap: ImageBitmap, scale: number, type: string): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d")!;
  if (type === "image/jpeg") {
    // JPEG has no transparency: what shows through becomes white, not black.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, 0.9));
  if (blob === null) throw new AttachmentError("This browser cannot make a large picture smaller.");
  return blob;
}

export function megabytes(bytes: number): string {
  const count = bytes / 2 ** 20;
  if (count < 0.1) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} MB`;
}

/** The part of a `DataTransfer` (a drop or a paste) that is read here. */
export interface TransferredFiles {
  readonly types: readonly string[];
  readonly files: Iterable<File>;
}

/** The files of a drop. */
export function droppedFiles(data: TransferredFiles | null): File[] {
  return [...(data?.files ?? [])];
}

/** The files of a paste. Formatted text that brings a picture of itself, as from a table, is pasted as text. */
export function pastedFiles(data: TransferredFiles | null): File[] {
  const isText = ["text/plain", "text/html"].every((type) => data?.types.includes(type));
  return isText ? [] : droppedFiles(data);
}
