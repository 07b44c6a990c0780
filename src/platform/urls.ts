import { fileURLToPath } from "node:url";

/** The path of a `file:` URL; undefined for any other URL. */
export function pathOfUrl(url: URL): string | undefined {
  return url.protocol === "file:" ? fileURLToPath(url) : undefined;
}
