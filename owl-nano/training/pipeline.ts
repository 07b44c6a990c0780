import { availableParallelism } from "node:os";
import { adapterFrom, mergeLora, type StateDict, saveCheckpoint } from "../../src/checkpoint/index.ts";
import { collate, denseReader, type Reader, type TokenRow } from "../../src/data/index.ts";
import { publishedPreprocessor, toPixelValues } from "../../src/image/index.ts";
import { configJson, patchCount, tokensPerImage } from "../../src/model/index.ts";
import { encodeCaption } from "../../src/prompt/index.ts";
import {
  accumulationSteps,
  createTrainer,
  denseObjective,
  languageObjective,
  type Objective,
  openReplicas,
  type TrainingBatch,
  type TrainingOutcome,
  type TrainingRecipe,
  train,
} from "../../src/training/index.ts";
import { COLORS } from "../concepts/colors.ts";
import type { StageName } from "../recipes.ts";
import { RELATION_KINDS, type RelationKind } from "../scenes/note-relations.ts";
import { abstractorBeginning, type SpokenHead } from "./abstractor-beginning.ts";
import { encodeText } from "./encode-text.ts";
import { evenReader } from "./even-batches.ts";
import { languageBeginning } from "./language-beginning.ts";
import { embeddingSize, layoutBeginning, WORD_EMBEDDINGS } from "./layout-beginning.ts";
import { isLayoutHead, LAYOUT_HEADS, layoutObjective } from "./layout-objective.ts";
import { layoutReader, relationClasses, relationWeight, spokenAs } from "./layout-reader.ts";
import { withLouderCharacters } from "./louder-characters.ts";
import { isNoteCode, noteRelations, relationRow } from "./note-tokens.ts";
import { notesObjective } from "./notes-objective.ts";
import { notesReader } from "./notes-reader.ts";
import {
  noteWords,
  type Plan,
  planTokenizer,
  preprocessor,
  type StageOptions,
  shippedTokenizer,
  stageDirectory,
  trainedIn,
  visionConfig,
  weightsBefore,
} from "./plan.ts";
import { readingObjective } from "./reading-objective.ts";
import { readingReader } from "./reading-reader.ts";
import { readingSource, visionSource } from "./sources.ts";
import {
  captionSource,
  conversationSource,
  languageSource,
  type NotedStage,
  type PictureText,
} from "./text-sources.ts";
import { wordTokens } from "./tokenizer.ts";

interface StageSetup<S> {
  readonly objective: Objective<S>;
  readonly reader: Reader<TrainingBatch<S>>;
  readonly weights: StateDict;
}

/** Batch and micro-batch of a stage. */
function sizesOf({ recipes }: Plan, stage: StageName): { batch: number; microBatch: number } {
  const { batch, microBatch = batch } = recipes[stage];
  return { batch, microBatch };
}

async function run<S>(
  plan: Plan,
  stage: StageName,
  { objective, reader, weights }: StageSetup<S>,
  options: StageOptions,
): Promise<TrainingOutcome> {
  const recipe = plan.recipes[stage];
  const threads = options.threads ?? availableParallelism();
  const replicas = await openReplicas(recipe, Math.min(threads, accumulationSteps(recipe)), { threads });
  const trainer = await createTrainer({ replicas, objective, recipe, weights });
  try {
    return await train({
      trainer,
      recipe,
      reader,
      directory: stageDirectory(plan, stage),
      resume: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
  } finally {
    trainer.dispose();
  }
}

type RunStage = (plan: Plan, options: StageOptions) => Promise<TrainingOutcome>;

/** Examples that are put into even batches together. */
const GROUP = 640;
/** A row of text is about this long; a micro-batch holds so many tokens for each of its rows: some 400 MB at 16 rows. */
const TOKENS_A_ROW = 96;

/** How texts are put into batches. */
function evenSizes(recipe: TrainingRecipe): { group: number; tokensAtOnce: number; microBatches: number } {
  const { batch, microBatch = batch } = recipe;
  return {
    group: GROUP,
    tokensAtOnce: TOKENS_A_ROW * microBatch,
    microBatches: accumulationSteps(recipe),
  };
}

/** The stages of the language model alone: `answers` goes on from `language`. */
async function trainOnNotes(plan: Plan, stage: NotedStage, options: StageOptions): Promise<TrainingOutcome> {
  const { config, material, recipes } = plan;
  const { seed, maxTokens } = recipes[stage];
  const reader = notesReader(languageSource(material, stage, seed), {
    config,
    tokenizer: planTokenizer(plan),
    maxTokens,
    seed,
    ...evenSizes(recipes[stage]),
  });
  const weights = stage === "language" ? languageBeginning(config, seed) : await weightsBefore(plan, stage);
  return run(plan, stage, { objective: notesObjective(config), reader, weights }, options);
}

const trainVision: RunStage = async (plan, options) => {
  const config = visionConfig(plan);
  const source = visionSource(plan.material, plan.visionSize, plan.recipes.vision.seed);
  const pixels = preprocessor(config);
  const reader = denseReader(source, {
    ...sizesOf(plan, "vision"),
    imageSize: config.vision.imageSize,
    patches: patchCount(config.vision),
    encode: ({ image, labels }) => ({ pixels: toPixelValues(image, pixels), labels }),
  });
  const objective = denseObjective(config, source.classes.count);
  return run(
    plan,
    "vision",
    { objective, reader: withLouderCharacters(reader, source.classes), weights: new Map() },
    options,
  );
};

const trainLayout: RunStage = async (plan, options) => {
  const { config, material, recipes } = plan;
  const { seed } = recipes.layout;
  const source = readingSource(material, { stage: "layout", size: config.vision.imageSize, seed });
  const words = noteWords(material);
  const pixels = preprocessor(config);
  const reader = layoutReader(source, {
    ...sizesOf(plan, "layout"),
    config,
    words,
    pixelsOf: (image) => toPixelValues(image, pixels),
  });
  const weights = layoutBeginning(config, await weightsBefore(plan, "layout"));
  const relations = Object.fromEntries(RELATION_KINDS.map((kind) => [kind, relationClasses(kind).length]));
  const classes = {
    patch: source.classes,
    word: words.length,
    color: COLORS.length,
    ...(relations as Record<RelationKind, number>),
  };
  return run(plan, "layout", { objective: layoutObjective(config, classes), reader, weights }, options);
};

const trainReading: RunStage = async (plan, options) => {
  const { config, material, recipes } = plan;
  const { seed } = recipes.reading;
  const source = readingSource(material, { stage: "reading", size: config.vision.imageSize, seed });
  const pixels = preprocessor(config);
  const wordToken = wordTokens(planTokenizer(plan));
  const reader = readingReader(source, {
    ...sizesOf(plan, "reading"),
    config,
    wordToken,
    encode: ({ image, labels, notes }) => ({ pixels: toPixelValues(image, pixels), labels, notes }),
  });
  const before = await weightsBefore(plan, "reading");
  const objective = readingObjective(config, source.classes, embeddingSize(before));
  const heads = spokenHeads(before, noteWords(material), wordToken);
  const weights = new Map([...before, ...abstractorBeginning({ config, weights: before, heads, seed })]);
  return run(plan, "reading", { objective, reader, weights }, options);
};

/** What the heads of the layout stage say in the language stage's codes. */
function spokenHeads(
  weights: StateDict,
  words: readonly string[],
  wordToken: (word: string) => number,
): SpokenHead[] {
  const row = (name: string, index: number): Float32Array => {
    const { data, dims } = weights.get(name)!;
    return (data as Float32Array).subarray(index * dims[1], (index + 1) * dims[1]);
  };
  const spokenWords = words.map((word) => {
    const { loudness, lossWeight } = spokenAs(word);
    return { code: row(WORD_EMBEDDINGS, wordToken(word)).map((value) => loudness * value), lossWeight };
  });
  const relations = RELATION_KINDS.map((kind): SpokenHead => {
    const classes = relationClasses(kind).map((relation) => ({
      code: relation === undefined ? undefined : row(noteRelations, relationRow(relation)),
      lossWeight: relationWeight(relation, kind),
    }));
    return { head: LAYOUT_HEADS[kind], classes };
  });
  return [{ head: LAYOUT_HEADS.word, classes: spokenWords }, ...relations];
}

/** Stages 1 and 2: texts about pictures; stage 1 learns captions, stage 2 conversations. */
async function trainOnPictures(
  plan: Plan,
  stage: "align" | "instruct",
  options: StageOptions,
): Promise<TrainingOutcome> {
  const { config, material, recipes } = plan;
  const { seed, maxTokens } = recipes[stage];
  const source = (stage === "align" ? captionSource : conversationSource)(material, seed);
  const encodeSample = stage === "align" ? encodeCaption : encodeText;
  const tokenizer = planTokenizer(plan);
  const pixels = preprocessor(config);
  const places = { tokensPerImage: tokensPerImage(config), imageSize: config.vision.imageSize };
  const encode = ({ text, images }: PictureText, where: string): TokenRow => {
    const sample = encodeSample(text, tokenizer, { ...places, maxLength: maxTokens, where });
    const { ids, lossMask, spans, imageCount } = sample;
    const seen = images.slice(0, imageCount).map((image) => toPixelValues(image, pixels));
    return { ids, lossMask, spans, pixels: seen, name: where };
  };
  const reader = evenReader(source, {
    seed,
    ...evenSizes(recipes[stage]),
    encode,
    collate: (rows, rounding) => collate(rows, { ...places, rounding }),
  });
  const weights = await weightsBefore(plan, stage);
  return run(plan, stage, { objective: languageObjective(config, recipes[stage]), reader, weights }, options);
}

const STAGES: Readonly<Record<StageName, RunStage>> = {
  language: (plan, options) => trainOnNotes(plan, "language", options),
  comparing: (plan, options) => trainOnNotes(plan, "comparing", options),
  answers: (plan, options) => trainOnNotes(plan, "answers", options),
  phrasing: (plan, options) => trainOnNotes(plan, "phrasing", options),
  documents: (plan, options) => trainOnNotes(plan, "documents", options),
  counting: (plan, options) => trainOnNotes(plan, "counting", options),
  vision: trainVision,
  layout: trainLayout,
  reading: trainReading,
  align: (plan, options) => trainOnPictures(plan, "align", options),
  instruct: (plan, options) => trainOnPictures(plan, "instruct", options),
};

/** Trains one stage, from where it stopped if it did; a finished one is left alone. */
export function trainStage(
  plan: Plan,
  stage: StageName,
  options: StageOptions = {},
): Promise<TrainingOutcome> {
  return STAGES[stage](plan, options);
}

/** The weights after a stage: LoRA merged, what only training needs left out. */
export async function weightsAfter(plan: Plan, stage: "align" | "instruct"): Promise<StateDict> {
  const base = await weightsBefore(plan, stage);
  for (const name of base.keys()) if (isLayoutHead(name) || isNoteCode(name)) base.delete(name);
  const trained = await trainedIn(plan, stage);
  if (stage === "align") return new Map([...base, ...trained]);
  const { lora } = plan.recipes.instruct;
  if (lora === undefined) throw new Error("stage 2: its recipe must have lora, got none");
  const adapter = adapterFrom(trained, undefined, "stage 2");
  // Without stage 1 there is no abstractor before stage 2.
  const whole = new Map([...base, ...adapter.replaced]);
  return mergeLora(whole, { ...adapter, settings: { ...adapter.settings, alpha: lora.alpha } });
}

/** Writes the model directory in the published layout: float16 weights, config, tokenizer, preprocessor. */
export async function saveModel(plan: Plan, directory: string): Promise<void> {
  const tokenizer = shippedTokenizer(plan);
  await saveCheckpoint(directory, {
    config: { ...configJson(plan.config), torch_dtype: "float16" },
    tensors: await weightsAfter(plan, "instruct"),
    floatType: "F16",
    generationConfig: {
      max_new_tokens: 64,
      do_sample: false,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
    },
    preprocessorConfig: publishedPreprocessor(preprocessor(plan.config)),
    files: {
      "tokenizer.json": `${JSON.stringify(tokenizer.json)}\n`,
      "tokenizer_config.json": `${JSON.stringify(tokenizer.configuration, null, 2)}\n`,
    },
  });
}
