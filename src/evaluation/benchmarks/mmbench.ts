import { readText } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { chosenOption, optionLetter } from "../metrics/chosen-option.ts";
import { type Benchmark, type BenchmarkItem, withInstruction } from "./benchmark.ts";
import { meanOf, meansBy } from "./figures.ts";
import { dataFile } from "./files.ts";

interface MmBenchItem extends BenchmarkItem {
  readonly question: string;
  readonly hint: string;
  readonly options: readonly string[];
  /** Which option is right. */
  readonly right: number;
  readonly category: string;
  /** The category's own category, such as `finegrained_perception (instance-level)`. */
  readonly ability: string;
  /** A picture file in base64. */
  readonly picture: string;
}

const columns = ["index", "question", "answer", "A", "B", "image"];
/** Files made for circular evaluation hold turned copies from this index on; the turning is done here. */
const firstCopy = 1_000_000;

/** Liu et al., MMBench: Is Your Multi-modal Model an All-around Player?, 2023. */
export const mmBench: Benchmark<MmBenchItem> = {
  name: "mmbench",
  description: "MMBench: choices between options, right only if right in every order of them",
  files: "*mmbench*.tsv of one split with answers; the pictures are in it",
  instruction: "Answer with the option's letter from the given choices directly.",
  settings: { maxNewTokens: 32 },

  async read(data) {
    const file = await dataFile(data, /mmbench.*\.tsv$/i, "*mmbench*.tsv");
    const { default: Papa } = await import("papaparse");
    const table = Papa.parse<Record<string, string>>(await readText(file), {
      header: true,
      delimiter: "\t",
      skipEmptyLines: true,
    });
    const absent = columns.filter((name) => !table.meta.fields?.includes(name));
    requireNoProblems(
      file,
      `must be a table with tabs and the columns ${columns.join(", ")}`,
      absent.map((name) => `no ${name}`),
    );
    requireNoProblems(
      file,
      "must be a table with tabs",
      table.errors.map(({ row, message }) => `row ${(row ?? 0) + 1}: ${message}`),
    );
    const rows = table.data.filter(({ index }) => Number(index) < firstCopy);
    const images = new Map(rows.map(({ index, image }) => [index, image]));
    const items = rows.map((row) => readRow(row, images));
    requireNoProblems(file, "must hold questions with answers", [
      ...(rows.length === 0 ? ["none"] : []),
      ...items.flatMap((item, i) => (typeof item === "string" ? [`${rows[i].index}: ${item}`] : [])),
    ]);
    return items.filter((item) => typeof item !== "string");
  },

  pictures: ({ picture }) => [bytesOfBase64(picture)],
  questions: (item, instruction) =>
    item.options.map((_, turn) => withInstruction(questionText(item, turn), instruction)),
  score: (items, answers) =>
    items.map(({ options, right, category, ability }, i) => {
      const chosen = options.map((_, turn) => chosenOption(answers[i][turn], turned(options, turn)));
      const correct = chosen.map(
        (option, turn) => option !== undefined && (option + turn) % options.length === right,
      );
      const unclear = chosen.filter((option) => option === undefined).length / chosen.length;
      return { value: Number(correct.every(Boolean)), once: Number(correct[0]), unclear, category, ability };
    }),
  figures: (scores) => ({
    accuracy: meanOf(scores),
    "accuracy in the published order alone": meanOf(scores, "once"),
    ...meansBy(scores, "ability", "accuracy"),
    ...meansBy(scores, "category", "accuracy"),
    "answers without a clear option": meanOf(scores, "unclear"),
  }),
};

/** The options with the one at `turn` first. */
const turned = (options: readonly string[], turn: number): string[] => [
  ...options.slice(turn),
  ...options.slice(0, turn),
];

function questionText({ hint, question, options }: MmBenchItem, turn: number): string {
  const lines = turned(options, turn).map((option, i) => `${optionLetter(i)}. ${option}`);
  return [...(hint === "" ? [] : [hint]), question, "There are several options:", ...lines].join("\n");
}

function readRow(row: Record<string, string>, images: ReadonlyMap<string, string>): MmBenchItem | string {
  const cell = (name: string): string => {
    const text = row[name]?.trim() ?? "";
    return text === "nan" ? "" : text;
  };
  const letters = ["A", "B", "C", "D", "E", "F"];
  const options = letters.map(cell);
  const count = options.indexOf("");
  const given = count < 0 ? options : options.slice(0, count);
  const right = letters.indexOf(cell("answer"));
  // Where several questions share a picture, the others name the question that has it.
  const image = images.get(cell("image")) ?? cell("image");
  if (given.length < 2) return "fewer than two options";
  if (right < 0 || right >= given.length)
    return `answer ${JSON.stringify(cell("answer"))} among ${given.length} options`;
  if (image === "") return "no picture";
  return {
    id: cell("index"),
    group: images.has(cell("image")) ? cell("image") : cell("index"),
    expected: given[right],
    question: cell("question"),
    hint: cell("hint"),
    options: given,
    right,
    category: cell("category"),
    ability: cell("l2-category"),
    picture: image,
  };
}

function bytesOfBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
