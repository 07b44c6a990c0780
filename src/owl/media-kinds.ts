import { described, shortened } from "../platform/index.ts";

/**
 * A file of a picture or a video: a path, a `file:`, `http:`, `https:` or `data:` address (as text or URL), or its bytes
 * (a Blob or File, a Buffer, any view of memory, an ArrayBuffer).
 */
export type FileSource = string | URL | Blob | ArrayBufferLike | ArrayBufferView;

/** Decoded pixels, row by row: three bytes a pixel (RGB), or four (RGBA, as a canvas's ImageData has them). */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** No system has longer paths. */
const longestPath = 4096;

const taken = {
  picture:
    "a path, a URL (file:, http:, https:, data:), a Blob or File, the bytes of a file (Uint8Array, ArrayBuffer) or decoded { width, height, data }",
  video:
    "a path, a URL (file:, http:, https:, data:), a Blob or File, the bytes of a file (Uint8Array, ArrayBuffer) or a list of decoded frames",
};

/** The address that a text is, also with blanks in front, as URLs may have; undefined where it is a path. */
export function urlOfText(text: string): URL | undefined {
  return /^[\0- ]*(https?|data|blob|file):/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Why something is no picture or video; undefined where it may be one. */
export function sourceProblem(
  source: unknown,
  kind: "picture" | "video",
  count: number,
  index: number,
): string | undefined {
  const where = count === 1 ? kind : `${kind} ${index + 1}`;
  if (kind === "video" && Array.isArray(source)) return framesProblem(source, where);
  const got = typeof source === "string" ? textProblem(source) : objectProblem(source, kind);
  return got === undefined ? undefined : `${where} must be ${taken[kind]}, got ${got}`;
}

function textProblem(text: string): string | undefined {
  if (text === "") return "an empty text";
  if (urlOfText(text) !== undefined) return undefined;
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(text) || /^data:/i.test(text)) return `the address ${shortened(text)}`;
  if (text.length > longestPath || text.includes("\0")) {
    return `a text of ${text.length.toLocaleString("en")} characters (base64 needs data:image/png;base64, in front)`;
  }
  return undefined;
}

function objectProblem(source: unknown, kind: "picture" | "video"): string | undefined {
  const got = described(source);
  if (typeof source !== "object" || source === null) return got;
  if (source instanceof URL || ArrayBuffer.isView(source) || isMemory(source) || isBlob(source))
    return undefined;
  if (source instanceof Promise) return `${got}; await it`;
  if ("blob" in source && typeof source.blob === "function") return `${got}; give await response.blob()`;
  return kind === "picture" ? pixelsProblem(source) : got;
}

function pixelsProblem(source: object): string | undefined {
  const got = described(source);
  const { width, height, data } = source as Partial<DecodedImage>;
  if (width === undefined || height === undefined) return got;
  if (data === undefined)
    return `${got} without data; draw it to a canvas and give its ImageData or its Blob`;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  const pixels = width * height;
  if (isBytes && pixels > 0 && (data.length === 3 * pixels || data.length === 4 * pixels)) return undefined;
  const size = isBytes ? `${data.length} bytes` : described(data);
  return `${size} of data for ${width} × ${height} pixels (RGB has 3 bytes a pixel, RGBA 4)`;
}

function framesProblem(frames: readonly unknown[], where: string): string | undefined {
  for (const [i, frame] of frames.entries()) {
    const got = typeof frame === "object" && frame !== null ? pixelsProblem(frame) : described(frame);
    if (got !== undefined)
      return `${where} must have decoded frames { width, height, data }, got ${got} as frame ${i + 1}`;
  }
  return undefined;
}

function isMemory(source: object): boolean {
  return (
    source instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== "undefined" && source instanceof SharedArrayBuffer)
  );
}

/** Also those of other realms and of libraries. A Response has `arrayBuffer`, too, but no `slice`. */
function isBlob(source: object): boolean {
  const { arrayBuffer, slice, size } = source as Partial<Blob>;
  return typeof arrayBuffer === "function" && typeof slice === "function" && typeof size === "number";
}
