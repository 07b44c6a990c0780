import { existsSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "../../src/runtime/index.ts";
import { readRun } from "../evaluation/ability-chart.ts";
import { answererOf } from "../evaluation/answering.ts";
import { measureAnswerer } from "../evaluation/commands.ts";
import { trainStage, weightsAfter } from "../training/pipeline.ts";
import { type Plan, type StageOptions, shippedTokenizer, trainedIn } from "../training/plan.ts";
import { writeDocument } from "./document.ts";
import { idOf, planOf, RUNS, runDirectory, type SeededRun, seededRuns, trainedStages } from "./runs.ts";

/** Rows of owleval-nano that every run is asked; they have about 600 questions. */
const ROWS = 445;

function figuresFile(directory: string, seeded: SeededRun): string {
  return join(runDirectory(directory, seeded), "figures.json");
}

/** The run of an id such as "A-1". */
export function seededRunOf(id: string, steps: number): SeededRun {
  const [key, seed] = id.split("-");
  const run = RUNS.find((one) => one.key === key);
  if (run !== undefined && Number(seed) > 0) return { run, seed: Number(seed), steps };
  const known = RUNS.map((one) => `${one.key}-1`).join(", ");
  throw new Error(`ablation: a run must be one of ${known}, or with another seed, got "${id}"`);
}

/** The runs that have no figures yet. */
export function unmeasured(directory: string, seeds: number, steps: number): SeededRun[] {
  return seededRuns(seeds, steps).filter((seeded) => !existsSync(figuresFile(directory, seeded)));
}

/**
 * Trains what a run needs, from where that stopped, and measures it.
 *
 * @returns whether it came to its end
 */
export async function runAblation(
  shipped: Plan,
  seeded: SeededRun,
  options: StageOptions = {},
): Promise<boolean> {
  const plan = planOf(shipped, seeded);
  // Said before the language stage is trained, not an hour later.
  if (!plan.skipped?.includes("layout")) await trainedIn(plan, "layout");
  for (const stage of trainedStages(seeded.run)) {
    console.log(`${idOf(seeded)}: ${stage}`);
    const { complete } = await trainStage(plan, stage, options);
    if (!complete) return false;
  }
  const last = seeded.run.skipped?.includes("instruct") ? "align" : "instruct";
  const owl = answererOf(
    plan.config,
    await weightsAfter(plan, last),
    shippedTokenizer(plan),
    await openDevice(),
  );
  const out = runDirectory(shipped.directory, seeded);
  await measureAnswerer(owl.answer, { drawings: plan.material.drawings, split: "test", sample: ROWS, out });
  await owl.close();
  return true;
}

/** Writes the document and its chart, when all runs are measured. */
export function writeAblation(directory: string, docs: string, seeds: number, steps: number): void {
  const all = seededRuns(seeds, steps);
  const runs = RUNS.map((run) => ({
    key: run.key,
    ...readRun(
      run.name,
      all.filter((seeded) => seeded.run === run).map((seeded) => figuresFile(directory, seeded)),
    ),
  }));
  writeDocument(docs, runs, { seeds, steps });
}
