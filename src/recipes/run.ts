import {
  type BatchSizes,
  DataError,
  type ExampleSource,
  encodeText,
  type FileCheckOptions,
  type JsonlSource,
  jsonlSource,
  mix,
  type Row,
  rows,
  SkippedRows,
  shuffled,
  withoutBadRows,
} from "../data/index.ts";
import type { ParameterDescription } from "../model/index.ts";
import {
  checkOptions,
  type FileLock,
  joinPath,
  type OptionRules,
  option,
  pathKind,
} from "../platform/index.ts";
import { imageMark, PromptError, promptTemplate as promptTemplateOf, videoMark } from "../prompt/index.ts";
import type { Device, DeviceOptions } from "../runtime/index.ts";
import {
  createTrainer,
  estimateMemory,
  hasState,
  languageObjective,
  lockOutput,
  type MemoryEstimate,
  type Objective,
  openReplicas,
  type RunInputs,
  recipeOfState,
  type TrainingEvent,
  type TrainingOutcome,
  type TrainingRecipe,
  train,
  withCurrentNames,
} from "../training/index.ts";
import { type BaseModel, loadBaseModel, withPromptTemplate } from "./base-model.ts";
import {
  type Content,
  contentOf,
  contentOfStage,
  framesPerVideo,
  heldOut,
  readerOf,
  tagged,
  textOptions,
} from "./batches.ts";
import { requireKnownMultipliers, requireNoFrozenRandom } from "./frozen-random.ts";
import { runInputs } from "./inputs.ts";
import { requireFreshOutput, save, writeStart } from "./outputs.ts";
import { type DataFile, draftRecipe, RecipeError, type RunOverrides, type RunPlan } from "./recipe-file.ts";
import { type RunTemplate, templateOfRows, type WrittenRows, withSystem } from "./template.ts";

export interface RunOptions {
  /** Go on from the output's `state/` where there is one. */
  readonly resume?: boolean;
  /** Stop early: the step under way ends and a checkpoint is written. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Go on from `state/` although rows or pictures were changed meanwhile. */
  readonly allowChangedData?: boolean;
  /**
   * So many rows may turn out to be unreadable (a damaged picture): in the place of each comes the next row of its file in the
   * run's order, held-out ones are left out, and the log names them. 0 if absent: such a row ends the run, with a checkpoint.
   */
  readonly skipBadRows?: number;
  readonly device?: DeviceOptions;
}

const overrideRules: OptionRules<RunOverrides> = {
  output: option.text,
  replicas: option.count,
  checkPictures: option.flag,
  onPicture: option.callback,
};

const startRules: OptionRules<RunOptions> = {
  resume: option.flag,
  signal: option.signal,
  onEvent: option.callback,
  allowChangedData: option.flag,
  skipBadRows: option.size,
  device: option.object,
};

/** A run that was read and checked, and can start. */
export interface PreparedRun {
  readonly plan: RunPlan;
  readonly parameters: readonly ParameterDescription[];
  /** What memory it will take. */
  readonly memory: MemoryEstimate;
  /** Rows of each data file. */
  readonly rows: readonly number[];
  /** How many of them are conversations longer than the recipe's `maxTokens`, and lose their oldest turns. */
  readonly shortenedRows: readonly number[];
  /** How many of them lose their end, because they are longer and have no turn to lose. */
  readonly cutRows: readonly number[];
  /** Whether any row shows a picture or a video. */
  readonly usesPictures: boolean;
  /** How the model that the run makes is asked. */
  readonly promptTemplate: RunTemplate;
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
export async function prepareRun(path: string, options: RunOverrides = {}): Promise<PreparedRun> {
  const overrides = withCurrentNames(options);
  checkOptions("prepareRun", overrides, overrideRules);
  const { replicas: replicaCount = 1 } = overrides;
  const plan = await checkedPlan(path, overrides);
  const origin = await loadBaseModel(plan);
  const objective = languageObjective(origin.config, plan.recipe);
  requireKnownMultipliers(path, plan, objective.parameters);
  const [data, evaluation] = [
    await open(plan, origin, plan.data, overrides),
    await open(plan, origin, plan.evaluation, overrides),
  ];
  const promptTemplate = templateOfRows([...data, ...evaluation], {
    tokenizer: origin.tokenizer,
    isFresh: origin.checkpoint === undefined,
    system: plan.system,
  });
  const usesPictures = plan.data.some((file) => contentOf(plan, file) !== "text");
  const hasVideos = data.some((file) => file.hasVideos);
  const showsSomething = data.some(hasPictures);
  await requireNoFrozenRandom(path, plan, showsSomething);
  const pictures = hasVideos ? framesPerVideo(plan) : Number(usesPictures);
  return {
    plan,
    parameters: objective.parameters,
    memory: estimateMemory(origin.config, objective.parameters, plan.recipe, pictures, replicaCount),
    rows: data.map(({ source }) => source.length),
    shortenedRows: data.map(({ shortened }) => shortened),
    cutRows: data.map(({ cut }) => cut),
    usesPictures: showsSomething,
    promptTemplate,
    start: async (options = {}) => {
      checkOptions<RunOptions>("start", options, startRules);
      const lock = await lockOutput(plan.output);
      try {
        const replicas = await openReplicas(plan.recipe, replicaCount, options.device);
        const inputs = runInputs(plan, origin, data, promptTemplate);
        const rows = { data: sources(data), evaluation: sources(evaluation), inputs };
        return await start(plan, withPromptTemplate(origin, promptTemplate), objective, rows, replicas, {
          ...options,
          lock,
        });
      } finally {
        await lock.release();
      }
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

interface OpenedFile extends WrittenRows {
  readonly source: JsonlSource;
  readonly shortened: number;
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
async function open(
  plan: RunPlan,
  origin: BaseModel,
  files: readonly DataFile[],
  { checkPictures = false, onPicture }: RunOverrides,
): Promise<OpenedFile[]> {
  const opened = await Promise.allSettled(
    files.map((file) => {
      const looking = {
        pictures: checkPictures ? "whole" : "headers",
        onFile: onPicture?.(file.file),
      } as const;
      return openFile(plan, origin, file, looking);
    }),
  );
  const failed = opened.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const other = failed.find((reason) => !(reason instanceof DataError));
  if (other !== undefined) throw other;
  if (failed.length > 0) throw new DataError(failed.map((reason) => reason.message).join("\n"));
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function openFile(
  plan: RunPlan,
  origin: BaseModel,
  file: DataFile,
  looking: FileCheckOptions,
): Promise<OpenedFile> {
  const content = contentOf(plan, file);
  const { config } = origin;
  const videos = config.video ? { frames: framesPerVideo(plan), size: config.vision.imageSize } : undefined;
  const complete = completing(plan, origin, content);
  const options = textOptions(plan.recipe, origin, content);
  let [shortened, cut] = [0, 0];
  const textProblems = ({ text, videos, line }: Row): string[] => {
    try {
      const captionOf = videos.length > 0 ? "video" : "image";
      const sample = encodeText(complete(text), `${file.file}:${line}`, options, captionOf);
      if (sample.turnsLeftOut !== undefined) shortened++;
      if (sample.isCut) cut++;
      return [];
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      return [error.message];
    }
  };
  const source = spoken(
    await jsonlSource(file.file, { ...looking, content, videos, rows: file.rows, textProblems }),
    complete,
  );
  const { length } = source;
  const hasVideos = Array.from({ length }, (_, row) => row).some((row) => source.hasVideo(row));
  return { file: file.file, content, length, source, shortened, cut, hasVideos };
}

/** Puts the recipe's system sentence in front of conversations that have none. */
function completing(
  { system }: RunPlan,
  { tokenizer }: BaseModel,
  content: Content,
): (text: string) => string {
  if (content !== "conversation" || system === undefined) return (text) => text;
  const template = promptTemplateOf(tokenizer);
  return (text) => withSystem(text, system, template);
}

function spoken(source: JsonlSource, complete: (text: string) => string): JsonlSource {
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
async function begun({ recipe, output, scaled }: RunPlan): Promise<TrainingRecipe> {
  const { warmup } = await recipeOfState(joinPath(output, "state"));
  return scaled.includes("warmup") && typeof warmup === "number" ? { ...recipe, warmup } : recipe;
}

interface Sources {
  readonly data: readonly ExampleSource[];
  readonly evaluation: readonly ExampleSource[];
  readonly inputs: RunInputs;
}

async function start(
  plan: RunPlan,
  origin: BaseModel,
  objective: Objective<BatchSizes>,
  { data, evaluation, inputs }: Sources,
  replicas: readonly Device[],
  { skipBadRows = 0, device: _, ...options }: RunOptions & { readonly lock: FileLock },
): Promise<TrainingOutcome> {
  const { output } = plan;
  const isBegun = options.resume === true && (await hasState(joinPath(output, "state")));
  if (!isBegun) await requireFreshOutput(output);
  const recipe = isBegun ? await begun(plan) : plan.recipe;
  const skipped = new SkippedRows(skipBadRows);
  const trainer = await createTrainer({ replicas, objective, recipe, weights: origin.tensors });
  const shuffledFiles = data.map((source, i) =>
    tagged(withoutBadRows(shuffled(source, recipe.seed + i), skipped), contentOf(plan, plan.data[i])),
  );
  const weights = plan.data.map(({ weight = 1 }) => weight);
  try {
    if (!isBegun) await writeStart(plan, origin, trainer);
    const outcome = await train({
      ...options,
      trainer,
      recipe,
      reader: readerOf(plan, origin, mix(shuffledFiles, weights)),
      evaluation: await heldOut(plan, origin, evaluation, skipped),
      inputs,
      skipped,
      directory: output,
    });
    if (outcome.complete) await save(plan, origin, trainer);
    return outcome;
  } finally {
    trainer.dispose();
  }
}
