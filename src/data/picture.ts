import type { StoredImage } from "../image/index.ts";
import { bytesOfDataUrl, isBareBase64, isDataUrl, localPath } from "../platform/index.ts";
import { DataError } from "./example.ts";
import { isRecord } from "./record.ts";

/** A picture of a row: the path of a file, or what reads its bytes from where they lie. */
export type Picture = string | StoredImage;

/** A picture as the value of a record, where its bytes are a part of another file. */
export class StoredBytes implements StoredImage {
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;

  constructor(name: string, read: () => Promise<Uint8Array>) {
    this.name = name;
    this.read = read;
  }
}

/** Where the pictures of a record come from. */
export interface PictureOrigin {
  /** What paths are relative to. */
  readonly directory: string;
  /** What errors call the picture. */
  readonly name: string;
  /** Reads the picture's value again. */
  readonly again: () => Promise<unknown>;
}

/**
 * A picture as records give it: a path (or `file:` URL), a `data:` URL, base64, bytes, or `{ bytes, path }` as the hub's image
 * columns have it, where bytes win.
 *
 * @throws DataError that says what is wrong
 */
export function pictureOf(value: unknown, { directory, name, again }: PictureOrigin): Picture {
  if (value instanceof StoredBytes) return value;
  const found = referenceOf(value);
  if (found.kind === "path") return localPath(found.path, directory);
  return {
    name,
    read: async () => {
      const reference = referenceOf(await again());
      if (reference.kind === "bytes") return reference.bytes();
      throw new DataError("has changed since it was checked");
    },
  };
}

type Reference =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: () => Uint8Array };

/** Keys under which objects hold a picture, those with its bytes first. */
const payloads = ["bytes", "base64", "data", "image_url", "url", "path", "image", "file_name"];

function referenceOf(value: unknown): Reference {
  if (value instanceof Uint8Array) return { kind: "bytes", bytes: () => value };
  if (typeof value === "string") return textReference(value);
  if (!isRecord(value))
    throw new DataError(`must be a path, a data: URL, base64 or bytes, got ${kindOf(value)}`);
  const key = payloads.find((one) => value[one] !== undefined && value[one] !== null && value[one] !== "");
  if (key !== undefined) return referenceOf(value[key]);
  const keys = Object.keys(value).slice(0, 6).join(", ");
  throw new DataError(`must hold a path, a data: URL, base64 or bytes, got ${keys === "" ? "no key" : keys}`);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function textReference(text: string): Reference {
  if (text.trim() === "")
    throw new DataError("must be a path, a data: URL, base64 or bytes, got an empty text");
  if (isDataUrl(text)) return { kind: "bytes", bytes: () => bytesOfDataUrl(text) };
  if (/^\s*https?:/i.test(text))
    throw new DataError(
      `must be a file, got an address (${JSON.stringify(text.slice(0, 40))}); fetch it first`,
    );
  if (!isBareBase64(text) && !beginsAsPicture(text)) return { kind: "path", path: text };
  const data = /^[^,]{0,60};base64,/i.test(text) ? `data:${text}` : `data:;base64,${text}`;
  return { kind: "bytes", bytes: () => bytesOfDataUrl(data) };
}

/** Whether a text is the base64 of a small picture: the first bytes of PNG, JPEG, GIF or WebP, and nothing of a file's name. */
function beginsAsPicture(text: string): boolean {
  return /^(?:iVBORw0KGgo|\/9j\/|R0lGOD|UklGR)[\w+/\r\n]{20,}=*\s*$/.test(text);
}
