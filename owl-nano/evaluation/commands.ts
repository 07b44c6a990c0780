import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Progress } from "../../src/training/index.ts";
import { readWords } from "../concepts/words.ts";
import type { Drawings } from "../pictures/supplies.ts";
import { RECIPES } from "../recipes.ts";
import { splitWords } from "../scenes/held-out.ts";
import { type Answerer, answererOfDirectory } from "./answering.ts";
import { curvesSvg, readCurve } from "./curves.ts";
import { chooseExamples, contactSheet } from "./examples.ts";
import { abilitiesTable, type Figures, figuresTable, summarise } from "./figures.ts";
import { marksOf, withMarkedPart } from "./marked-part.ts";
import { askRows, type MeasuredRow } from "./measure.ts";
import { type CardContent, modelCard } from "./model-card.ts";
import { photoQuestions, STAMPS_FOLDER } from "./photos.ts";
import { QUESTIONS_FOLDER, readQuestions, readRows, writeQuestions } from "./question-files.ts";
import { makeQuestions, type Split } from "./question-set.ts";
import { recordedFile, recordFigures } from "./recorded.ts";
import type { QuestionSet } from "./rows.ts";
import { sampleRows } from "./sample.ts";

/** The model that ships. */
export const SHIPPED = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));

/** Where the documents are. */
export const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));

/** Makes owleval-nano anew from its seeds. */
export async function makeQuestionFiles(drawings: Drawings): Promise<void> {
  const set = makeQuestions(drawings, "test");
  await writeQuestions(set, QUESTIONS_FOLDER);
  console.log(`owleval-nano: ${set.rows.length} rows in ${QUESTIONS_FOLDER}`);
}

/** Rows of photographs where they are installed, none elsewhere. */
async function withPhotographs(set: QuestionSet, { concepts, countries }: Drawings): Promise<QuestionSet> {
  const photos = await photoQuestions({ concepts, countries, words: splitWords(readWords()).test });
  if (photos === undefined) {
    console.log(`S3 is left out: ${STAMPS_FOLDER} is not there (apt-get install tuxpaint-stamps-default)`);
    return set;
  }
  const own = new Set(photos.rows.flatMap(({ pictures }) => pictures));
  return {
    ...set,
    rows: [...set.rows, ...photos.rows],
    pictureOf: (file) => (own.has(file) ? photos : set).pictureOf(file),
  };
}

/** Asks all of a set, seeing and blind. */
export async function measure(
  set: QuestionSet,
  answer: Answerer,
): Promise<{ figures: Figures; seen: MeasuredRow[] }> {
  const seen = await askRows(set, answer, { onProgress: progress("seeing") });
  const pictured = set.rows.filter(({ pictures }) => pictures.length > 0);
  const blind = await askRows({ ...set, rows: pictured }, answer, {
    blind: true,
    onProgress: progress("blind"),
  });
  return { figures: summarise(set.name, seen, blind), seen };
}

function progress(how: string): (answered: number, of: number) => void {
  return (answered, of) => console.log(`${how}: ${answered} of ${of} questions`);
}

/** What was asked and said, a line a row. */
function transcript(rows: readonly MeasuredRow[]): string {
  const lines = rows.map(({ row: { id, ability, set, pictures, turns }, answers }) => {
    const said = turns.map(({ question, answer }, t) => ({
      question,
      answer,
      said: answers[t].said,
      right: answers[t].right,
    }));
    return JSON.stringify({ id, ability, set, pictures, turns: said });
  });
  return lines.map((line) => `${line}\n`).join("");
}

export interface MeasureOptions {
  readonly drawings: Drawings;
  readonly split: Split;
  /** Of the test about so many rows, none of them photographs; all if absent. */
  readonly sample?: number;
  /** Where the figures go. */
  readonly out: string;
}

/** What was measured, and of what. */
export interface Measured {
  readonly figures: Figures;
  readonly seen: readonly MeasuredRow[];
  readonly set: QuestionSet;
}

async function questionsOf({ drawings, split, sample }: MeasureOptions): Promise<QuestionSet> {
  if (split === "validation") return makeQuestions(drawings, split);
  if (sample !== undefined) return readQuestions(sampleRows(readRows(), sample));
  return withPhotographs(await readQuestions(), drawings);
}

/** Measures whoever answers on a split; writes figures.json, transcript.jsonl and table.md. */
export async function measureAnswerer(answer: Answerer, options: MeasureOptions): Promise<Measured> {
  return measureSet(await questionsOf(options), answer, options.out);
}

/** The same on a set of questions. */
export async function measureSet(set: QuestionSet, answer: Answerer, out: string): Promise<Measured> {
  const { figures, seen } = await measure(set, answer);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "figures.json"), `${JSON.stringify(figures, null, 1)}\n`);
  writeFileSync(join(out, "transcript.jsonl"), transcript(seen));
  writeFileSync(join(out, "table.md"), `${figuresTable(figures)}\n`);
  console.log(figuresTable(figures));
  return { figures, seen, set };
}

/** The same of a model's directory. */
export async function measureDirectory(model: string, options: MeasureOptions): Promise<Measured> {
  const owl = await answererOfDirectory(model);
  const measured = await measureAnswerer(owl.answer, options);
  await owl.close();
  return measured;
}

export interface CardOptions extends Pick<CardContent, "config" | "weights"> {
  readonly drawings: Drawings;
  /** Where the stages' states and logs are. */
  readonly runs: string;
  readonly measured: Measured;
}

/** Examples that a stage has read: batches of texts have as many as fit. */
function examplesRead(directory: string): number {
  const state = readFileSync(join(directory, "state", "training_state.json"), "utf8");
  return (JSON.parse(state) as Progress).position;
}

/** Writes the card of the shipped model, its contact sheet and the learning curves. */
export async function writeCard({ config, weights, drawings, runs, measured }: CardOptions): Promise<void> {
  const { figures, seen, set } = measured;
  const examples = chooseExamples(seen);
  const pictures = examples.map(({ row }) => row.pictures.map(set.pictureOf));
  const stages = Object.entries(RECIPES).map(([stage, { name }]) =>
    readCurve(name.replace("owl-nano ", ""), join(runs, stage, "log.jsonl")),
  );
  const read = Object.fromEntries(
    Object.keys(RECIPES).map((stage) => [stage, examplesRead(join(runs, stage))]),
  ) as CardContent["read"];
  const counts = { conceptCount: drawings.concepts.length, countryCount: drawings.countries.length };
  writeFileSync(join(DOCS, "owl-nano-pictures.png"), await contactSheet(pictures, drawings.faces.train[0]));
  writeFileSync(join(DOCS, "owl-nano-curves.svg"), curvesSvg(stages));
  writeFileSync(
    join(SHIPPED, "README.md"),
    modelCard({ config, read, weights, figures, examples, ...counts }),
  );
}

const TABLE = marksOf("npm run owl-nano -- --save");

/** Writes what the shipped model reaches into the project's README. */
export function writeReadme({ figures }: Measured): void {
  const path = fileURLToPath(new URL("../../README.md", import.meta.url));
  const document = readFileSync(path, "utf8");
  writeFileSync(path, withMarkedPart(document, TABLE, abilitiesTable(figures), "README.md"));
}

/** Records what the shipped model reaches on the fixed sample, for the test that watches over it. */
export async function recordShipped(): Promise<void> {
  const owl = await answererOfDirectory(SHIPPED);
  await recordFigures(SHIPPED, owl.answer);
  await owl.close();
  console.log(`recorded: ${recordedFile}`);
}
