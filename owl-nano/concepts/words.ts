import { readFileSync } from "node:fs";

function read(name: string): string[] {
  return readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8")
    .trim()
    .split("\n");
}

/** Easy English words that may stand on signs: `data/words.txt`, lower-case, one a line. */
export const readWords = (): string[] => read("words.txt");

/** Those of them that are kept for the test: `data/test-words.txt`. */
export const readTestWords = (): string[] => read("test-words.txt");
