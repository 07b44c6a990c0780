import { readFileSync } from "node:fs";

/** Easy English words that may stand on signs: `data/words.txt`, lower-case, one a line. */
export function readWords(): string[] {
  return readFileSync(new URL("../data/words.txt", import.meta.url), "utf8")
    .trim()
    .split("\n");
}
