import { FileError } from "../../files/file-error.ts";

/** A path's part before the question mark, and that mark with what follows. */
function divided(path: string): [place: string, query: string] {
  const [, place = "", query = ""] = /^([^?#]*)(.*)$/s.exec(path) ?? [];
  return [place, query];
}

/** A path as a whole URL: what is relative counts from the page's or worker's own address. */
export function urlOf(path: string): URL {
  const { href, origin } = globalThis.location;
  const base = href.startsWith("blob:") ? origin : href;
  if (URL.canParse(path, base)) return new URL(path, base);
  throw new FileError(`${path}: must be a URL or a path on the page's server`);
}

/** Joins segments with slashes; the first one's query stays at the end. */
export function joinPath(...segments: string[]): string {
  const [first = "", ...rest] = segments;
  const [place, query] = divided(first);
  const parts = [place.replace(/\/+$/, ""), ...rest.map((part) => part.replace(/^\/+|\/+$/g, ""))];
  return `${parts.join("/")}${query}`;
}

/** The last segment of a path. */
export function fileName(path: string): string {
  return divided(path)[0].replace(/\/+$/, "").split("/").at(-1) ?? "";
}

/** The directory a path lies in. */
export function parentDirectory(path: string): string {
  const [place, query] = divided(path);
  return `${place.replace(/\/[^/]*\/*$/, "")}${query}`;
}

/** Links are the server's affair: a path is what it says. */
export async function realPath(path: string): Promise<string> {
  return path;
}

/** A server's directories are replaced by the server. */
export async function completeDirectory(directory: string): Promise<string> {
  return directory;
}

/** @throws FileError for a `file:` URL, which no page may read */
export function pathOfUrl(url: URL): string | undefined {
  if (url.protocol !== "file:") return undefined;
  throw new FileError(
    `${url}: must be a URL that a page may fetch, got a file; give its bytes (a File has arrayBuffer())`,
  );
}
