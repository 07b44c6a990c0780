import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkpointDigest } from "../../src/evaluation/index.ts";
import type { Answerer } from "./answering.ts";
import { summarise } from "./figures.ts";
import { askRows } from "./measure.ts";
import { readQuestions, readRows } from "./question-files.ts";
import { sampleRows } from "./sample.ts";

/** Rows of the fixed sample, about. */
const SAMPLE = 320;

/** What a model reached in one ability. */
export interface RecordedAbility {
  readonly of: number;
  readonly right: number;
  /** The lower end of the interval: less is worse, and no chance. */
  readonly least: number;
}

/** What the shipped model reached on the fixed sample. */
export interface Recorded {
  /** SHA-256 of the model's files. */
  readonly model: string;
  readonly rows: number;
  readonly abilities: Readonly<Record<string, RecordedAbility>>;
}

export const recordedFile = fileURLToPath(new URL("recorded.json", import.meta.url));

/** What was recorded. */
export function readRecorded(): Recorded {
  return JSON.parse(readFileSync(recordedFile, "utf8")) as Recorded;
}

/** Asks the fixed sample. */
export async function measureSample(directory: string, answer: Answerer): Promise<Recorded> {
  const rows = sampleRows(readRows(), SAMPLE);
  const { abilities } = summarise("sample", await askRows(await readQuestions(rows), answer));
  return {
    model: await checkpointDigest(directory),
    rows: rows.length,
    abilities: Object.fromEntries(
      abilities.map(({ ability, score: { of, right }, byDrawing }) => [
        ability,
        { of, right, least: Math.round(byDrawing[0] * 1000) / 1000 },
      ]),
    ),
  };
}

/** Measures the fixed sample and keeps what it gave. */
export async function recordFigures(directory: string, answer: Answerer): Promise<void> {
  writeFileSync(recordedFile, `${JSON.stringify(await measureSample(directory, answer), null, 2)}\n`);
}
