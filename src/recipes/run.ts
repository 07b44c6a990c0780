import {
  type BatchSizes,
  keptPictureBytes,
  type MediaReader,
  mix,
  openMediaReader,
  SkippedRows,
  type Source,
  shuffled,
  withoutBadRows,
} from "../data/index.ts";
import { mostTiles } from "../image/index.ts";
import type { ParameterDescription } from "../model/index.ts";
import { checkOptions, type FileLock, joinPath, type OptionRules, option } from "../platform/index.ts";
import type { Device, DeviceOptions } from "../runtime/index.ts";
import {
  type Communicator,
  createTrainer,
  type DiskEstimate,
  estimateDisk,
  estimateMemory,
  hasState,
  inMemoryWords,
  joinProcesses,
  languageObjective,
  lockOutput,
  MemoryError,
  type MemoryEstimate,
  memoryWarnings,
  type Objective,
  openReplicas,
  preferenceObjective,
  type RunInputs,
  requireMemory,
  requireUpdatable,
  type Trainer,
  type TrainingEvent,
  type TrainingOutcome,
  train,
  withCurrentNames,
} from "../training/index.ts";
import {
  type BaseModel,
  freeTrained,
  loadBaseModel,
  untakenWeights,
  withPromptTemplate,
} from "./base-model.ts";
import { framesPerVideo, heldOutBatches, type TaggedExample, trainingReader } from "./batches.ts";
import { benchmarking, type ReadBenchmark, readBenchmarks } from "./benchmarks.ts";
import { checkedPlan } from "./checked-plan.ts";
import { exampleSources, openDataFiles } from "./data-files.ts";
import { requireNoFrozenRandom } from "./frozen-random.ts";
import { requireKnownMultipliers } from "./known-multipliers.ts";
import { writeCards } from "./model-card.ts";
import { hasStart, requireFreshOutput, saveOutputs, writeStart } from "./outputs.ts";
import { type OwlInTraining, openOwlInTraining } from "./owl-in-training.ts";
import { withinPositions } from "./positions.ts";
import type { RunOverrides, RunPlan } from "./recipe-file.ts";
import { withReferences } from "./references.ts";
import { resumedRecipe } from "./resumed-recipe.ts";
import { requireSameEverywhere, runInputs } from "./run-inputs.ts";
import { openSampling, requireAskable } from "./samples.ts";
import { dataThreadsOf, microBatchesForAll, threadsOfEach } from "./several-processes.ts";
import { type RunTemplate, templateOfRows } from "./template.ts";
import { requireTrainable } from "./trainable.ts";

export interface RunOptions {
  /** Resume from the output's `state/` where there is one. */
  readonly resume?: boolean;
  /** Stops after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Resume although rows or pictures have changed. */
  readonly allowChangedData?: boolean;
  /**
   * How many rows may turn out to be unreadable (a damaged picture): each is replaced by the next row of its file in the run's
   * order, held-out ones are left out, and the log names them. 0 if absent: such a row ends the run, with a checkpoint.
   */
  readonly skipBadRows?: number;
  readonly device?: DeviceOptions;
}

const overrideRules: OptionRules<RunOverrides> = {
  output: option.text,
  set: option.texts,
  replicas: option.count,
  deterministic: option.flag,
  dataThreads: option.size,
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

/** A checked run, ready to start. */
export interface PreparedRun {
  /** The processes that train together: those that an MPI launcher started, or this one alone. */
  readonly communicator: Communicator;
  /** Threads of each process, unless `start` is given others. */
  readonly threads: number;
  readonly plan: RunPlan;
  readonly parameters: readonly ParameterDescription[];
  /** An estimate of the memory that each process will take. */
  readonly memory: MemoryEstimate;
  /** What is to be said before the start where the run may not fit into memory; what cannot fit is refused. */
  readonly memoryWarnings: readonly string[];
  /** An estimate of what the run writes. */
  readonly disk: DiskEstimate;
  /** Rows of each data file. */
  readonly rows: readonly number[];
  /** Of each file, how many rows are conversations longer than the recipe's `maxTokens`, and lose their oldest turns. */
  readonly shortenedRows: readonly number[];
  /** Of each file, how many rows are longer, have no turn to lose, and are cut at their end. */
  readonly cutRows: readonly number[];
  /** Of each file, whether `owl data check` had checked its rows, so that they were not read again. */
  readonly checkedBefore: readonly boolean[];
  /** Whether any row shows a picture or a video. */
  readonly usesPictures: boolean;
  /** Whether the base model's weights are in few bits: the run then makes an adapter alone. */
  readonly isQuantized: boolean;
  /** The prompt template of the model that the run makes. */
  readonly promptTemplate: RunTemplate;
  /**
   * Trains, then writes `model/` (LoRA merged) and, where a LoRA was trained, `adapter/` into the output
   * directory, each with a model card; `state/` and `log.jsonl` lie there too. Beside a base model in few bits there is no `model/`.
   * The weights that are trained go to the training, so it is called once.
   *
   * @throws {RangeError} where a training was started before
   */
  start(options?: RunOptions): Promise<TrainingOutcome>;
}

/**
 * Reads a recipe file, the model and all rows it names, and checks that they fit, also into memory. Under an MPI launcher (mpirun,
 * srun) it joins the other processes, each of which calls it and then `start`: what fails in one is thrown by all, the first one
 * alone writes, and tells events.
 *
 * @throws RecipeError, DataError, CheckpointError, MemoryError and their like, each naming every problem it found
 */
export async function prepareRun(path: string, options: RunOverrides = {}): Promise<PreparedRun> {
  const overrides = withCurrentNames(options);
  checkOptions("prepareRun", overrides, overrideRules);
  const communicator = await joinProcesses();
  const onPicture = communicator.rank === 0 ? overrides.onPicture : undefined;
  return communicator.agree(() =>
    inMemoryWords(path, undefined, () => checkedRun(path, { ...overrides, onPicture }, communicator)),
  );
}

async function checkedRun(
  path: string,
  overrides: RunOverrides,
  communicator: Communicator,
): Promise<PreparedRun> {
  const { replicas = 1, deterministic = false, dataThreads = dataThreadsOf(communicator) } = overrides;
  const given = await checkedPlan(path, overrides);
  const baseModel = await loadBaseModel(given, (config, weightBytes) => {
    const { parameters } = languageObjective(config, given.recipe);
    requireUpdatable(parameters, given.recipe, { replicas, deterministic });
    const estimate = estimateMemory(config, parameters, given.recipe, { imagesPerRow: 0, replicas });
    const weights = weightBytes ?? estimate.weights;
    const { localSize: processes } = communicator;
    requireMemory(path, { ...estimate, weights }, { threads: 1, weightsRead: false, processes });
  });
  await requireAskable(path, given, baseModel);
  const fitting = withinPositions(path, layerByLayer(given, baseModel), baseModel.config);
  const plan = microBatchesForAll(fitting, communicator.size, replicas);
  const objectiveOf = plan.recipe.dpo === undefined ? languageObjective : preferenceObjective;
  const objective = objectiveOf(baseModel.config, plan.recipe);
  requireKnownMultipliers(path, plan, objective.parameters);
  requireTrainable(path, plan, baseModel.config);
  const benchmarks = await readBenchmarks(path, plan, baseModel);
  const media = openMediaReader(dataThreads);
  const [data, evaluation] = [
    await openDataFiles(plan, baseModel, "data", { ...overrides, media }),
    await openDataFiles(plan, baseModel, "evaluation", { ...overrides, media }),
  ];
  const promptTemplate = templateOfRows([...data, ...evaluation], {
    tokenizer: baseModel.tokenizer,
    isFresh: baseModel.checkpoint === undefined,
    system: plan.system,
  });
  const usesPictures = data.some(({ content }) => content !== "text");
  const hasVideos = data.some((file) => file.hasVideos);
  const showsSomething = data.some((file) => file.showsSomething);
  await requireNoFrozenRandom(path, plan, showsSomething);
  const memory = estimateMemory(baseModel.config, objective.parameters, plan.recipe, {
    imagesPerRow: hasVideos ? framesPerVideo(plan) : usesPictures ? tilesPerRow(baseModel) : 0,
    replicas,
    narrow: baseModel.narrow,
    processes: communicator.size,
    deterministic,
    keptPictures: [...data, ...evaluation].reduce(
      (sum, { source }) => sum + keptPictureBytes(source.media),
      0,
    ),
  });
  const checked: CheckedRun = {
    communicator,
    deterministic,
    plan,
    baseModel: withPromptTemplate(baseModel, promptTemplate),
    objective,
    media,
    data: exampleSources(data),
    evaluation: exampleSources(evaluation),
    fingerprints: [...data, ...evaluation].map(({ source: { fingerprint } }) =>
      [fingerprint.rows, fingerprint.files].join(" "),
    ),
    benchmarks,
    inputs: () => runInputs(plan, baseModel, { data, evaluation, benchmarks }, promptTemplate),
  };
  return {
    communicator,
    threads: threadsOfEach({}, communicator).threads,
    plan,
    parameters: objective.parameters,
    memory,
    memoryWarnings: memoryWarnings(memory, { processes: communicator.localSize }),
    disk: estimateDisk(objective.parameters, plan.recipe, {
      isFresh: baseModel.checkpoint === undefined,
      isQuantized: baseModel.quantization !== undefined,
    }),
    rows: data.map(({ source }) => source.length),
    shortenedRows: data.map(({ shortened }) => shortened),
    cutRows: data.map(({ cut }) => cut),
    checkedBefore: data.map(({ isKnown }) => isKnown),
    usesPictures: showsSomething,
    isQuantized: baseModel.quantization !== undefined,
    promptTemplate,
    start: async (options = {}) => {
      checkOptions<RunOptions>("start", options, startRules);
      await communicator.agree(() =>
        requireMemory(path, memory, {
          threads: threadsOfEach(options.device, communicator).threads,
          weightsRead: baseModel.checkpoint !== undefined,
          processes: communicator.localSize,
        }),
      );
      return startLocked({ ...checked, path, memory }, replicas, options);
    },
  };
}

/** How many pictures a row's picture is to the vision encoder, at most. */
function tilesPerRow({ preprocessor }: BaseModel): number {
  return preprocessor === undefined ? 1 : mostTiles(preprocessor);
}

/** The same plan; a quantised base model is computed layer by layer. */
function layerByLayer(plan: RunPlan, { quantization }: BaseModel): RunPlan {
  return quantization === undefined ? plan : { ...plan, recipe: { ...plan.recipe, recompute: true } };
}

/** What names a run in errors, and what it needs. */
interface RunNeeds {
  readonly path: string;
  readonly memory: MemoryEstimate;
}

/** Holds the output's lock, and opens the devices, while the run trains. A failure of one process alone ends the job. */
async function startLocked(
  { inputs, path, memory, ...checked }: CheckedRun & RunNeeds,
  count: number,
  { device, ...options }: RunOptions,
): Promise<TrainingOutcome> {
  const { communicator, plan } = checked;
  const lock = await communicator.agree(() =>
    communicator.rank === 0 ? lockOutput(plan.output) : undefined,
  );
  try {
    return await inMemoryWords(path, memory, async () => {
      const replicas = await openReplicas(plan.recipe, count, threadsOfEach(device, communicator));
      return startRun({ ...checked, inputs: inputs(), replicas }, { ...options, lock });
    });
  } catch (error) {
    const cause = error instanceof MemoryError ? error.cause : error;
    if (communicator.isCommon(cause)) throw communicator.common(error);
    return communicator.abort(error);
  } finally {
    await lock?.release();
  }
}

/** What was read and checked of a run; checksums are made when it starts. */
type CheckedRun = Omit<OpenedRun, "inputs" | "replicas"> & { readonly inputs: () => RunInputs };

/** All that a run works on. */
interface OpenedRun {
  readonly communicator: Communicator;
  readonly deterministic: boolean;
  readonly plan: RunPlan;
  readonly baseModel: BaseModel;
  readonly objective: Objective<BatchSizes>;
  /** What decodes the rows' pictures. */
  readonly media: MediaReader;
  /** The rows of each data file. */
  readonly data: readonly Source<TaggedExample>[];
  readonly evaluation: readonly Source<TaggedExample>[];
  readonly benchmarks: readonly ReadBenchmark[];
  /** Checksums of the rows of each file, held-out ones behind the others. */
  readonly fingerprints: readonly string[];
  readonly inputs: RunInputs;
  readonly replicas: readonly Device[];
}

async function startRun(
  run: OpenedRun,
  { skipBadRows = 0, ...options }: Omit<RunOptions, "device"> & { readonly lock: FileLock | undefined },
): Promise<TrainingOutcome> {
  const { communicator, deterministic, plan, baseModel, objective, inputs, replicas, media } = run;
  const { output } = plan;
  await requireSameEverywhere(communicator, inputs);
  const state = joinPath(output, "state");
  const isBegun = await communicator.fromFirst(async () => !!options.resume && (await hasState(state)));
  if (!isBegun) await communicator.fromFirst(() => requireFreshOutput(output));
  const recipe = isBegun ? await communicator.fromFirst(() => resumedRecipe(plan)) : plan.recipe;
  const skipped = new SkippedRows(skipBadRows);
  const trainer = await createTrainer({
    replicas,
    objective,
    recipe,
    weights: untakenWeights(baseModel),
    narrow: baseModel.narrow,
    communicator,
    deterministic,
  });
  freeTrained(baseModel, trainer.trained);
  let opened: OwlInTraining | undefined;
  const samplingWeights = plan.data.map(({ weight = 1 }) => weight);
  try {
    await communicator.fromFirst(async () => {
      if (!isBegun || !(await hasStart(output))) await writeStart(plan, baseModel, trainer);
    });
    const { data, evaluation } = await referredSources(run, trainer, { isBegun, skipped });
    const shuffledFiles = data.map((source, i) => withoutBadRows(shuffled(source, recipe.seed + i), skipped));
    opened = await openedOwl(run, trainer);
    const samples = await communicator.agree(() => openSampling(plan, opened));
    const outcome = await train({
      ...options,
      trainer,
      recipe,
      reader: trainingReader(recipe, baseModel, mix(shuffledFiles, samplingWeights), media),
      evaluation: await heldOutBatches(plan, baseModel, evaluation, { skipped, communicator, media }),
      samples,
      benchmarks: benchmarking(plan, run.benchmarks, opened),
      inputs,
      skipped,
      directory: output,
    });
    if (outcome.complete) {
      await communicator.fromFirst(async () => {
        await saveOutputs(plan, baseModel, trainer);
        await writeCards(output);
      });
    }
    return outcome;
  } finally {
    await media.close();
    await opened?.close();
    trainer.dispose();
  }
}

/** The model that learns, in the first process, where it is asked between steps. */
function openedOwl(
  { communicator, plan, baseModel, replicas }: OpenedRun,
  trainer: Trainer<BatchSizes>,
): Promise<OwlInTraining | undefined> {
  const { samples = [], benchmarks = [] } = plan;
  return communicator.agree(() =>
    communicator.rank === 0 && samples.length + benchmarks.length > 0
      ? openOwlInTraining(plan, baseModel, trainer, replicas[0])
      : undefined,
  );
}

/** The rows of a run; pairs of answers with their references. */
async function referredSources(
  { plan, baseModel, data, evaluation, fingerprints }: OpenedRun,
  trainer: Trainer<BatchSizes>,
  how: { readonly isBegun: boolean; readonly skipped: SkippedRows },
): Promise<Pick<OpenedRun, "data" | "evaluation">> {
  if (plan.recipe.dpo === undefined) return { data, evaluation };
  const pairs = { sources: [...data, ...evaluation], fingerprints };
  const all = await withReferences(plan, baseModel, trainer, { pairs, ...how });
  return { data: all.slice(0, data.length), evaluation: all.slice(data.length) };
}
