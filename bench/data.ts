import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RowIndex, RowLengths, readCheckedFile, shuffled, writeCheckedFile } from "../src/data/index.ts";
import { residentMemory } from "../src/platform/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { checkData, prepareRun, readingOfRecipe } from "../src/recipes/index.ts";
import { printLine } from "./processor.ts";

const words =
  "the owl sees a small grey mouse that runs below old trees at night while nobody else looks up there".split(
    " ",
  );

/** Rows of two questions and answers, of which every tenth shows a picture, 600 characters each. */
async function writeRows(path: string, rows: number): Promise<void> {
  const random = mulberry32(1);
  const said = (count: number): string =>
    Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(" ");
  const file = createWriteStream(path);
  for (let i = 0; i < rows; i++) {
    const text = `Human: ${said(20)}?\nAI: ${said(35)}.\nHuman: ${said(15)}?\nAI: ${said(45)}.`;
    const picture = i % 10 === 0;
    const row = picture ? { image: ["owl.svg"], text: `Human: <image>\n${text}` } : { text };
    if (!file.write(`${JSON.stringify(row)}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

/** Rows of which only the index is read, and the order made. */
const indexed = 10_000_000;

async function writeIndex(path: string, rows: number): Promise<void> {
  const index = new RowIndex();
  for (let line = 1; line <= rows; line++) index.add({ line, start: 700 * line, length: 699, sum: line });
  await writeCheckedFile(path, {}, { index, lengths: new RowLengths(new Uint32Array(rows)) });
}

interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Most that the process held while the task ran, beyond what it held before. */
  readonly peakMiB: number;
}

async function costOf<T>(task: () => Promise<T>): Promise<[T, Cost]> {
  globalThis.gc?.();
  const before = residentMemory();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMemory());
  }, 50);
  const [began, processor] = [performance.now(), process.cpuUsage()];
  try {
    const result = await task();
    const { user, system } = process.cpuUsage(processor);
    const cost = {
      seconds: (performance.now() - began) / 1000,
      processorSeconds: (user + system) / 1e6,
      peakMiB: (Math.max(peak, residentMemory()) - before) / 2 ** 20,
    };
    return [result, cost];
  } finally {
    clearInterval(watch);
  }
}

/**
 * `bench data`: the check of so many rows with owl-nano's tokens, and what a run then takes until its first step; and what the index
 * and the order of ten million rows take.
 */
export async function dataBench(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "owl-bench-data-"));
  try {
    await mkdir(join(folder, "run"));
    const owl =
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="9"/></svg>';
    await writeFile(join(folder, "owl.svg"), owl);
    await writeRows(join(folder, "rows.jsonl"), rows);
    const recipe = join(folder, "recipe.yaml");
    await writeFile(
      recipe,
      "extends: stage-2\nmodel: owl-nano\noutput: run\ndata: [{ file: rows.jsonl }]\nsteps: 10\nbatch: 8\nmaxTokens: 512\n",
    );
    const [report, check] = await costOf(async () =>
      checkData(await readingOfRecipe(recipe, {}), { decode: true, problemsKept: 20 }),
    );
    const [run, start] = await costOf(() => prepareRun(recipe));
    const many = join(folder, "many.rows");
    await writeIndex(many, indexed);
    const [, index] = await costOf(() => readCheckedFile(many));
    const [, order] = await costOf(async () =>
      shuffled({ length: indexed, example: (row) => row }, 1).example(0),
    );
    const isKept = report.files.every(({ kept }) => kept !== undefined) && run.checkedBefore.every(Boolean);
    printLine({ rows, isKept, check, start, indexed, index, order });
  } finally {
    await rm(folder, { recursive: true });
  }
}
