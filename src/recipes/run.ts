import {
  type BatchSizes,
  DataError,
  type Example,
  type ExampleSource,
  encodeText,
  type JsonlSource,
  jsonlSource,
  mix,
  type Reader,
  type RowEncoder,
  requireNone,
  rowEncoder,
  rowName,
  rows,
  type Source,
  shuffled,
  type TextOptions,
  type TokenBatch,
  tokenReader,
} from "../data/index.ts";
import { defaultFrames } from "../image/index.ts";
import { type ParameterDescription, tokensPerImage } from "../model/index.ts";
import { joinPath, pathKind } from "../platform/index.ts";
import { imageMark, PromptError, promptTemplate, videoMark } from "../prompt/index.ts";
import { type Device, type DeviceOptions, openDevice } from "../runtime/index.ts";
import {
  createTrainer,
  estimateMemory,
  hasState,
  languageObjective,
  type MemoryEstimate,
  type Objective,
  openLanes,
  recipeOfState,
  type TrainingEvent,
  type TrainingOutcome,
  type TrainingRecipe,
  train,
} from "../training/index.ts";
import { requireNoFrozenRandom } from "./frozen-random.ts";
import { type Origin, originOf, withAsked } from "./origin.ts";
import { requireFreshOutput, save, writeStart } from "./outputs.ts";
import { type DataFile, draftRecipe, RecipeError, type RunOverrides, type RunPlan } from "./recipe-file.ts";

import { type RunTemplate, templateOfRows, type WrittenRows, withSystem } from "./template.ts";

export interface RunOptions {
  /** Go on from the output's `state/` where there is one. */
  readonly resume?: boolean;
  /** Stop early: the step under way ends and a checkpoint is written. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly device?: DeviceOptions;
}

/** A run that was read and checked, and can start. */
export interface PreparedRun {
  readonly plan: RunPlan;
  readonly parameters: readonly ParameterDescription[];
  /** What memory it will take. */
  readonly memory: MemoryEstimate;
  /** Rows of each data file. */
  readonly rows: readonly number[];
  /** How many of them are longer than the recipe's `maxTokens`, and lose their end. */
  readonly cutRows: readonly number[];
  /** Whether any row shows a picture or a video. */
  readonly usesPictures: boolean;
  /** How the model that the run makes is asked. */
  readonly asked: RunTemplate;
  /**
   * Trains, then writes `model/` (LoRA merged) and, where a LoRA was trained, `adapter/` into the output
   * directory; `state/` and `log.jsonl` lie there too.
   */
  start(options?: RunOptions): Promise<TrainingOutcome>;
}

/**
 * Reads a recipe file, the model and all rows it names, and checks that they fit.
 *
 * @throws RecipeError, DataError, CheckpointError and their like, each naming every problem it found
 */
export async function prepareRun(path: string, overrides: RunOverrides = {}): Promise<PreparedRun> {
  const plan = await checkedPlan(path, overrides);
  const origin = await originOf(plan);
  const objective = languageObjective(origin.config, plan.recipe);
  const [data, evaluation] = [await open(plan, origin, plan.data), await open(plan, origin, plan.evaluation)];
  const asked = templateOfRows([...data, ...evaluation], {
    tokenizer: origin.tokenizer,
    isFresh: origin.checkpoint === undefined,
    system: plan.system,
  });
  const usesPictures = plan.data.some((file) => contentOf(plan, file) !== "text");
  const hasVideos = data.some((file) => file.hasVideos);
  const showsSomething = data.some(hasPictures);
  requireNoFrozenRandom(path, plan, showsSomething);
  const pictures = hasVideos ? framesPerVideo(plan) : Number(usesPictures);
  return {
    plan,
    parameters: objective.parameters,
    memory: estimateMemory(origin.config, objective.parameters, plan.recipe, pictures, overrides.lanes),
    rows: data.map(({ source }) => source.length),
    cutRows: data.map(({ cut }) => cut),
    usesPictures: showsSomething,
    asked,
    start: async (options = {}) => {
      const lanes = await openLanes(plan.recipe, overrides.lanes ?? 1, options.device);
      return start(
        plan,
        withAsked(origin, asked),
        objective,
        { data: sources(data), evaluation: sources(evaluation) },
        lanes,
        options,
      );
    },
  };
}

/** The recipe's plan; where there is none, the rows are looked at too, so that one error names all there is. */
async function checkedPlan(path: string, overrides: RunOverrides): Promise<RunPlan> {
  const { plan, problems, stage, ...files } = await draftRecipe(path, overrides);
  if (plan !== undefined) return plan;
  const found = [...problems];
  for (const { file, content } of [...files.data, ...files.evaluation]) {
    if (stage === undefined || (await pathKind(file)) !== "file") continue;
    const options = { content: content ?? contentOfStage(stage), videos: { frames: 2, size: 1 } };
    await jsonlSource(file, options).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      found.push(error.message.replaceAll("\n", "\n  "));
    });
  }
  throw new RecipeError(path, found);
}

const framesPerVideo = ({ recipe }: RunPlan): number => recipe.framesPerVideo ?? defaultFrames;

function contentOf({ recipe }: RunPlan, { content }: DataFile): Content {
  return content ?? contentOfStage(recipe.stage);
}

function contentOfStage(stage: TrainingRecipe["stage"]): Content {
  return stage === "language" ? "text" : stage === "1" ? "caption" : "conversation";
}

interface OpenedFile extends WrittenRows {
  readonly source: JsonlSource;
  readonly cut: number;
  readonly hasVideos: boolean;
}

/** Whether any row shows something. */
function hasPictures({ content, length, source }: OpenedFile): boolean {
  if (content !== "conversation") return content === "caption";
  return Array.from({ length }, (_, row) => source.textOf(row)).some(
    (text) => text.includes(imageMark) || text.includes(videoMark),
  );
}

const sources = (files: readonly OpenedFile[]): ExampleSource[] =>
  files.map(({ source, length }) => rows(source, 0, length));

/** Opens all files and encodes every text once, so that one error names the bad rows of every one of them. */
async function open(plan: RunPlan, origin: Origin, files: readonly DataFile[]): Promise<OpenedFile[]> {
  const opened = await Promise.allSettled(files.map((file) => openFile(plan, origin, file)));
  const failed = opened.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const other = failed.find((reason) => !(reason instanceof DataError));
  if (other !== undefined) throw other;
  if (failed.length > 0) throw new DataError(failed.map((reason) => reason.message).join("\n"));
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function openFile(plan: RunPlan, origin: Origin, file: DataFile): Promise<OpenedFile> {
  const content = contentOf(plan, file);
  const { config } = origin;
  const videos = config.video ? { frames: framesPerVideo(plan), size: config.vision.imageSize } : undefined;
  const source = spoken(await jsonlSource(file.file, { content, videos }), plan, origin, content);
  const length = Math.min(file.rows ?? source.length, source.length);
  const options = textOptions(plan.recipe, origin, content);
  const problems: string[] = [];
  let cut = 0;
  for (let row = 0; row < length; row++) {
    try {
      const captionOf = source.hasVideo(row) ? "video" : "image";
      if (encodeText(source.textOf(row), source.nameOf(row), options, captionOf).isCut) cut++;
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      problems.push(error.message);
    }
  }
  requireNone(file.file, problems);
  const hasVideos = Array.from({ length }, (_, row) => row).some((row) => source.hasVideo(row));
  return { file: file.file, content, length, source, cut, hasVideos };
}

/** Conversations with the recipe's system sentence where they have none. */
function spoken(
  source: JsonlSource,
  { system }: RunPlan,
  { tokenizer }: Origin,
  content: Content,
): JsonlSource {
  if (content !== "conversation" || system === undefined) return source;
  const template = promptTemplate(tokenizer);
  const complete = (text: string): string => withSystem(text, system, template);
  return {
    ...source,
    textOf: (row) => complete(source.textOf(row)),
    example: async (row) => {
      const example = await source.example(row);
      return { ...example, text: complete(example.text) };
    },
  };
}

/** A run that goes on keeps the warm-up that was made to fit the steps it began with. */
async function begun({ recipe, output, fitted }: RunPlan): Promise<TrainingRecipe> {
  const { warmup } = await recipeOfState(joinPath(output, "state"));
  return fitted.includes("warmup") && typeof warmup === "number" ? { ...recipe, warmup } : recipe;
}

interface Sources {
  readonly data: readonly ExampleSource[];
  readonly evaluation: readonly ExampleSource[];
}

async function start(
  plan: RunPlan,
  origin: Origin,
  objective: Objective<BatchSizes>,
  { data, evaluation }: Sources,
  lanes: readonly Device[],
  { device: deviceOptions, ...options }: RunOptions,
): Promise<TrainingOutcome> {
  const { output } = plan;
  const isBegun = options.resume === true && (await hasState(joinPath(output, "state")));
  if (!isBegun) await requireFreshOutput(output);
  const recipe = isBegun ? await begun(plan) : plan.recipe;
  const device = await openDevice(deviceOptions);
  const trainer = await createTrainer({ device, lanes, objective, recipe, weights: origin.tensors });
  const shuffledFiles = data.map((source, i) =>
    marked(shuffled(source, recipe.seed + i), contentOf(plan, plan.data[i])),
  );
  const shares = plan.data.map(({ share = 1 }) => share);
  try {
    if (!isBegun) await writeStart(plan, origin, trainer);
    const outcome = await train({
      ...options,
      trainer,
      recipe,
      reader: readerOf(plan, origin, mix(shuffledFiles, shares)),
      evaluation: await heldOut(plan, origin, evaluation),
      directory: output,
    });
    if (outcome.complete) await save(plan, origin, trainer);
    return outcome;
  } finally {
    trainer.dispose();
  }
}

type Content = "conversation" | "caption" | "text";

/** An example that knows what its text is. */
interface MarkedExample extends Example {
  readonly content: Content;
}

function marked(source: ExampleSource, content: Content): Source<MarkedExample> {
  return {
    length: source.length,
    example: async (index) => ({ ...(await source.example(index)), content }),
    nameOf: (index) => rowName(source, index),
  };
}

/** Text alone is packed: several texts a row, so that hardly any padding is computed. */
function readerOf(
  { recipe }: RunPlan,
  origin: Origin,
  source: Source<MarkedExample>,
  batch = recipe.batch,
): Reader<TokenBatch> {
  const encoders = new Map<Content, RowEncoder>();
  const encoderFor = (content: Content): RowEncoder => {
    const known = encoders.get(content) ?? encoderOf(recipe, origin, content);
    encoders.set(content, known);
    return known;
  };
  return tokenReader(source, {
    batch,
    microBatch: recipe.microBatch,
    encode: (example, index, name) => encoderFor(example.content)(example, index, name),
    packTokens: recipe.stage === "language" ? recipe.maxTokens : undefined,
    tokensPerImage: tokensPerImage(origin.config),
    imageSize: origin.config.vision.imageSize,
    rounding: { maxTokens: recipe.maxTokens },
  });
}

function textOptions(recipe: TrainingRecipe, { tokenizer, config }: Origin, content: Content): TextOptions {
  return { content, tokenizer, tokensPerImage: tokensPerImage(config), maxTokens: recipe.maxTokens };
}

function encoderOf(recipe: TrainingRecipe, origin: Origin, content: Content): RowEncoder {
  return rowEncoder({
    ...textOptions(recipe, origin, content),
    preprocessor: origin.preprocessor,
    ...(recipe.augment ? { augmentation: { seed: recipe.seed } } : {}),
  });
}

/** All held-out rows as batches, one row after the other. */
async function heldOut(
  plan: RunPlan,
  origin: Origin,
  sources: readonly ExampleSource[],
): Promise<TokenBatch[]> {
  const { batch, microBatch = batch } = plan.recipe;
  const batches: TokenBatch[] = [];
  for (const [i, source] of sources.entries()) {
    const all = marked(source, contentOf(plan, plan.evaluation[i]));
    for (let at = 0; at < all.length; at += microBatch) {
      const reader = readerOf(
        { ...plan, recipe: { ...plan.recipe, stage: "full", augment: false, microBatch: undefined } },
        origin,
        all,
        Math.min(microBatch, all.length - at),
      );
      batches.push(...(await reader(at)).batches);
    }
  }
  return batches;
}
