import type { BackendLimits } from "../backends/backend.ts";

/** A file that may be sent, and what was done to it so that it may. */
export interface Prepared {
  readonly kind: "image" | "video";
  readonly name: string;
  readonly file: Blob;
  readonly note?: string | undefined;
}

/** A file cannot be sent; the message says why, in words. */
export class FileRefused extends Error {
  override name = "FileRefused";
}

const longestSide = 2048;

/**
 * Makes a file ready for a backend. Pictures are left as they are, unless they are larger than the backend takes or
 * of a format that it does not read: then they are drawn anew, and the note says so.
 *
 * @throws FileRefused for what is no picture or video, damaged, or too large
 */
export async function prepare(file: File, limits: BackendLimits): Promise<Prepared> {
  const name = file.name || "picture";
  if (file.size === 0) throw new FileRefused(`"${name}" is empty.`);
  if (file.type.startsWith("video/")) {
    if (file.size <= limits.videoBytes) return { kind: "video", name, file };
    throw new FileRefused(
      `"${name}" has ${megabytes(file.size)}; a video may have ${megabytes(limits.videoBytes)}. Cut it shorter.`,
    );
  }
  if (!file.type.startsWith("image/")) {
    throw new FileRefused(`"${name}" is neither a picture nor a video.`);
  }
  return preparePicture(file, name, limits);
}

async function preparePicture(file: File, name: string, limits: BackendLimits): Promise<Prepared> {
  const bitmap = await decode(file, name);
  try {
    const { width, height } = bitmap;
    const isTooLarge = file.size > limits.pictureBytes || width * height > limits.picturePixels;
    const isKnown = limits.pictureTypes.includes(file.type);
    if (!isTooLarge && isKnown) return { kind: "image", name, file };
    const scale = isTooLarge ? Math.min(1, longestSide / Math.max(width, height)) : 1;
    const smaller = await draw(bitmap, scale, isTooLarge ? "image/jpeg" : "image/png");
    const redrawn =
      smaller.size <= limits.pictureBytes ? smaller : await draw(bitmap, scale / 2, "image/jpeg");
    const size = (factor: number) => `${Math.round(width * factor)} × ${Math.round(height * factor)}`;
    const note = isTooLarge
      ? `made smaller to be sent: ${size(1)} → ${size(scale)}`
      : "rewritten in a format that can be sent";
    return { kind: "image", name, file: redrawn, note };
  } finally {
    bitmap.close();
  }
}

async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new FileRefused(`"${name}" cannot be read as a picture: it is damaged, or of an unknown format.`);
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
  if (blob === null) throw new FileRefused("This browser cannot make a large picture smaller.");
  return blob;
}

export function megabytes(bytes: number): string {
  const count = bytes / 2 ** 20;
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} MB`;
}

/** What of a drop or a paste says whether it has files. */
export interface Transfer {
  readonly types: readonly string[];
  readonly files: Iterable<File>;
}

/** The files of a drop. */
export function droppedFiles(data: Transfer | null): File[] {
  return [...(data?.files ?? [])];
}

/** The files of a paste. Formatted text that brings a picture of itself, as from a table, is pasted as text. */
export function pastedFiles(data: Transfer | null): File[] {
  const isText = ["text/plain", "text/html"].every((type) => data?.types.includes(type));
  return isText ? [] : droppedFiles(data);
}
