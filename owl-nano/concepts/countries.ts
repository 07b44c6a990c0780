import { readFileSync } from "node:fs";

/** A country that owl-nano knows by its flag; all words lower-case. */
export interface Country {
  readonly index: number;
  /** ISO 3166 code of two letters, lower-case: the name of its flag in the picture sets. */
  readonly code: string;
  readonly name: string;
  readonly capital: string;
  readonly continent: string;
  /** Absent where there is no single answer. */
  readonly language: string | undefined;
  readonly currency: string;
}

/** Reads `data/countries.tsv`: code, name, capital, continent, language (`-`: no single one), currency. */
export function readCountries(): Country[] {
  const text = readFileSync(new URL("../data/countries.tsv", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.map((line, index) => {
    const [code, name, capital, continent, language, currency] = line.toLowerCase().split("\t");
    if (!code || !name || !capital || !continent || !language || !currency)
      throw new Error(`countries.tsv: a line must have six columns, got "${line}"`);
    return {
      index,
      code,
      name,
      capital,
      continent,
      currency,
      language: language === "-" ? undefined : language,
    };
  });
}
