import { join } from "node:path";
import { SEED, type StageName } from "../recipes.ts";
import { OWL_NANO_LESSONS, type TextMix } from "../training/lessons.ts";
import type { Plan } from "../training/plan.ts";

/** One run of the ablation: the full one, or what it differs by. */
export interface AblationRun {
  readonly key: string;
  readonly name: string;
  /** Stages that it does without. */
  readonly skipped?: readonly StageName[];
  /** Stages before stage 2 that it trains for itself; the others are those of the full run. */
  readonly own?: readonly StageName[];
  /** What its own language stage reads. */
  readonly language?: TextMix;
  /** What its stage 2 learns from. */
  readonly instruct?: TextMix;
}

/**
 * The language stage of all runs but one: facts and captions, with notes in the place of pictures, and a few conversations in words. The
 * paper's LLaMA, too, has read much and was asked nothing about pictures; the shipped owl's language stage has all that stage 2
 * teaches, with notes, so that leaving it out of stage 2 would change little.
 */
const READS: TextMix = { facts: 8, talk: 1, "pictured caption": 11 };
/** The same texts in words alone. */
const READS_WORDS: TextMix = { facts: 8, talk: 1, caption: 11 };

// Stage 2 of the full run, divided.
const { talk = 1, ...MULTIMODAL } = OWL_NANO_LESSONS.texts.instruct;

export const RUNS: readonly AblationRun[] = [
  { key: "full", name: "full" },
  { key: "A", name: "A: without stage 1", skipped: ["reading", "align"] },
  {
    key: "B",
    name: "B: without text-only instructions",
    instruct: MULTIMODAL,
  },
  { key: "C", name: "C: without multimodal instructions", instruct: { talk } },
  { key: "D", name: "D: without instructions", skipped: ["instruct"] },
  // The reading stage draws tokens to notes: nothing that a language model can use which has never seen one.
  {
    key: "E",
    name: "E: without context-reading texts",
    skipped: ["reading"],
    own: ["language", "align"],
    language: READS_WORDS,
  },
  // The reading stage begins with weights that are computed from the layout stage's.
  {
    key: "F",
    name: "F: without vision pre-training",
    skipped: ["vision", "layout", "reading"],
    own: ["align"],
  },
];

/** Steps of the stages that the ablation trains; vision and layout are taken from the owl that ships. */
export const ABLATION_STEPS = { language: 1500, reading: 1500, align: 300, instruct: 400 } as const;

/** What one session of a run is: which, with which seed of stage 2, and how many steps that has. */
export interface SeededRun {
  readonly run: AblationRun;
  readonly seed: number;
  readonly steps: number;
}

/** All that must be trained and measured; without stage 2 there is nothing that a seed would change. */
export function seededRuns(seeds: number, steps: number): SeededRun[] {
  return RUNS.flatMap((run) =>
    Array.from({ length: run.skipped?.includes("instruct") ? 1 : seeds }, (_, i) => ({
      run,
      seed: i + 1,
      steps,
    })),
  );
}

/** "A-1" */
export function idOf({ run, seed }: SeededRun): string {
  return `${run.key}-${seed}`;
}

/** The stages that a run trains, unless they are trained already. */
export function trainedStages({ skipped = [] }: AblationRun): StageName[] {
  return (["language", "reading", "align", "instruct"] as const).filter((stage) => !skipped.includes(stage));
}

/** Where a run keeps its last stage and its figures; other lengths of stage 2 than the usual are kept apart. */
export function runDirectory(directory: string, seeded: SeededRun): string {
  const { steps } = seeded;
  const apart = steps === ABLATION_STEPS.instruct ? "" : `-${steps}-steps`;
  return join(directory, "ablation", `${idOf(seeded)}${apart}`);
}

/** The plan of a run, from the plan of the owl that ships. */
export function planOf(plan: Plan, seeded: SeededRun): Plan {
  const { run, seed, steps } = seeded;
  const { language, reading, align, instruct } = plan.recipes;
  const { lessons } = plan.material;
  const texts = {
    ...lessons.texts,
    language: run.language ?? READS,
    instruct: run.instruct ?? lessons.texts.instruct,
  };
  const placeOf = (stage: StageName): string =>
    join(plan.directory, "ablation", run.own?.includes(stage) ? run.key : "shared", stage);
  return {
    ...plan,
    material: { ...plan.material, lessons: { ...lessons, texts, uncounted: new Set(["language"]) } },
    recipes: {
      ...plan.recipes,
      language: { ...language, steps: ABLATION_STEPS.language },
      reading: { ...reading, steps: ABLATION_STEPS.reading },
      align: { ...align, steps: ABLATION_STEPS.align },
      instruct: { ...instruct, steps, seed: SEED + seed },
    },
    // Their language model reads and is asked little: it learns no answers.
    skipped: ["comparing", "answers", "phrasing", "documents", "counting", ...(run.skipped ?? [])],
    places: {
      language: placeOf("language"),
      reading: placeOf("reading"),
      align: placeOf("align"),
      instruct: join(runDirectory(plan.directory, seeded), "instruct"),
    },
  };
}
