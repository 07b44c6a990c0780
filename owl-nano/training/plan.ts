import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { CLIP_PREPROCESSOR } from "../../src/image/index.ts";
import type { OwlConfig } from "../../src/model/index.ts";
import type { Tokenizer, TokenizerJson } from "../../src/tokenizer/index.ts";
import type { TrainingEvent, TrainingRecipe } from "../../src/training/index.ts";
import { CHARACTERS } from "../concepts/characters.ts";
import { COLORS } from "../concepts/colors.ts";
import type { StageName } from "../recipes.ts";
import { UNKNOWN_WORD } from "../scenes/notes.ts";
import { type Material, nameWords } from "./sources.ts";
import { sampleTexts } from "./text-sources.ts";
import { learnTokenizer, openTokenizer, withPeoplesCase } from "./tokenizer.ts";

/** A model to be trained from nothing: sizes, recipes, what it learns from, and where its stages are kept. */
export interface Plan {
  readonly config: OwlConfig;
  /** Side of the vision stage's pictures, which are smaller and therefore more. */
  readonly visionSize: number;
  readonly recipes: Readonly<Record<StageName, TrainingRecipe>>;
  readonly material: Material;
  readonly tokenizerTexts: number;
  readonly directory: string;
  /** Stages that are kept elsewhere. */
  readonly places?: Readonly<Partial<Record<StageName, string>>>;
  /** Stages that it does without: later ones go on from what those would have gone on from. */
  readonly skipped?: readonly StageName[];
}

export interface StageOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/** Every word that notes can say. */
export function noteWords(material: Material): string[] {
  const colors = COLORS.map(({ name }) => name);
  return [...new Set([...nameWords(material), ...colors, UNKNOWN_WORD, ...CHARACTERS])];
}

/** The tokenizer of a plan as training uses it, learnt from a sample of the language stage's texts the first time. */
export function planTokenizer({ directory, config, recipes, material, tokenizerTexts }: Plan): Tokenizer {
  const path = join(directory, "tokenizer.json");
  if (!existsSync(path)) {
    const texts = sampleTexts(material, recipes.language.seed + 1, tokenizerTexts);
    const json = learnTokenizer(texts, noteWords(material), config.language.vocabulary);
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, `${JSON.stringify(json)}\n`);
  }
  return openTokenizer(JSON.parse(readFileSync(path, "utf8")) as TokenizerJson);
}

/** The tokenizer that goes with the finished model: it takes what people type. */
export function shippedTokenizer(plan: Plan): Tokenizer {
  return openTokenizer(withPeoplesCase(planTokenizer(plan).json));
}

/** Pixels as the model takes them. */
export function preprocessor({ vision }: OwlConfig): typeof CLIP_PREPROCESSOR {
  return { ...CLIP_PREPROCESSOR, size: vision.imageSize };
}

/** The model of the vision stage. */
export function visionConfig({ config, visionSize }: Plan): OwlConfig {
  return { ...config, vision: { ...config.vision, imageSize: visionSize } };
}

/** Where a stage's state is kept. */
export function stageDirectory(plan: Plan, stage: StageName): string {
  return plan.places?.[stage] ?? join(plan.directory, stage);
}

/** What a stage has trained. */
export async function trainedIn(plan: Plan, stage: StageName): Promise<StateDict> {
  const path = join(stageDirectory(plan, stage), "state", "model.safetensors");
  if (!existsSync(path))
    throw new Error(`owl-nano: stage "${stage}" must be trained first; ${path} is not there`);
  return readSafetensors(path);
}

/** Earlier stages that a stage goes on from; later ones win. */
const BEFORE: Readonly<Record<StageName, readonly StageName[]>> = {
  language: [],
  vision: [],
  layout: ["vision"],
  comparing: ["language"],
  answers: ["comparing"],
  phrasing: ["answers"],
  documents: ["phrasing"],
  counting: ["documents"],
  reading: ["counting", "layout"],
  align: ["counting", "reading"],
  instruct: ["counting", "align"],
};

/** The stages whose weights a stage of this plan begins with; later ones win. */
export function stagesBefore(plan: Pick<Plan, "skipped">, stage: StageName): StageName[] {
  const stages = BEFORE[stage].flatMap((earlier) =>
    plan.skipped?.includes(earlier) ? stagesBefore(plan, earlier) : [earlier],
  );
  return [...new Set(stages)];
}

/** What earlier stages learnt. */
export async function weightsBefore(plan: Plan, stage: StageName): Promise<StateDict> {
  const parts = await Promise.all(stagesBefore(plan, stage).map((earlier) => trainedIn(plan, earlier)));
  return new Map(parts.flatMap((tensors) => [...tensors]));
}
