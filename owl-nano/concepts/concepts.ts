import { readFileSync } from "node:fs";

/** One thing that owl-nano can name, with what it should know about it. */
export interface Concept {
  readonly index: number;
  readonly name: string;
  readonly plural: string;
  /** Code points (hex) of the emoji that show it. */
  readonly emoji: readonly string[];
  readonly kind: string;
  /** relation → value, as in `eats → bamboo`. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Reads `data/concepts.tsv`: name, plural, code points joined by `+`, kind, `relation=value;…`. */
export function readConcepts(): Concept[] {
  const text = readFileSync(new URL("../data/concepts.tsv", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.map((line, index) => {
    const [name, plural, emoji, kind, facts] = line.split("\t");
    if (!name || !plural || !emoji || !kind || !facts)
      throw new Error(`concepts.tsv: a line must have five columns, got "${line}"`);
    return {
      index,
      name,
      plural,
      kind,
      emoji: emoji.split("+"),
      facts: Object.fromEntries(facts.split(";").map((fact) => fact.trim().split("=") as [string, string])),
    };
  });
}
