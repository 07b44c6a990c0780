import { type AccumulatedBatches, DataError, isInPart, type SkippedRow } from "../data/index.ts";
import { joinPath, processorName, residentMemory } from "../platform/index.ts";
import { DivergenceError } from "./divergence.ts";
import { highestLoss, isDue, isPatienceOver, withLoss } from "./evaluations.ts";
import { bestDirectory, keepCheckpoint } from "./kept-checkpoints.ts";
import { eventTeller, openLogs } from "./logs.ts";
import { type MeasuredRun, measureBeginning, measureDue, measureMissed } from "./measurements.ts";
import { lockOutput } from "./output-lock.ts";
import type { RunLog } from "./run-log.ts";
import { hasState, type Progress, ResumeError, restoreState, saveState } from "./state.ts";
import type { TrainingBatch } from "./step-programs.ts";
import type { TrainingOutcome, TrainOptions } from "./train-options.ts";
import type { Trainer } from "./trainer.ts";
import { interleaved, labelsOf, type MicroBatchNote, partOf, type UpdateShare } from "./update-share.ts";

/** State of the loop. */
interface Run<S> extends MeasuredRun<S> {
  readonly log: RunLog | undefined;
  /** The step of the last checkpoint. */
  saved: number;
  /** What this process has computed so far. */
  readonly throughput: { seconds: number; tokens: number; steps: number };
}

/**
 * The training loop of every stage: read, update, evaluate, write a checkpoint, until the recipe's steps are done or the signal
 * aborts. The next batch is read while the current one is computed. A run that resumes from a checkpoint gives bit for bit what
 * an uninterrupted one would have given. Where anything fails after a step that no checkpoint holds yet, a checkpoint of that
 * step is written first, unless its weights have diverged.
 *
 * With several processes (the trainer's communicator) each of them calls it. They share out every update's micro-batches and
 * the evaluation; the first one alone writes and tells events. What a process can foresee ends the run in all of them, with
 * a checkpoint; any other failure of one of them ends the job at once.
 *
 * @throws DataError where no row of an update has a label, naming the rows; OutputInUseError; whatever a row, a step or
 *   the disk throws
 */
export async function train<S>(options: TrainOptions<S>): Promise<TrainingOutcome> {
  const { directory } = options;
  const { communicator } = options.trainer;
  if (directory === undefined || communicator.rank !== 0) return trainFrom(options, undefined);
  const lock = options.lock ?? (await lockOutput(directory));
  try {
    const log = await openLogs(directory);
    try {
      return await trainFrom(options, log);
    } finally {
      await log.close();
    }
  } finally {
    if (options.lock === undefined) await lock.release();
  }
}

async function trainFrom<S>(options: TrainOptions<S>, log: RunLog | undefined): Promise<TrainingOutcome> {
  const { communicator } = options.trainer;
  try {
    const progress = await initialProgress(options);
    const run: Run<S> = {
      options,
      ...eventTeller(options.trainer.communicator, { onEvent: options.onEvent, log }),
      log,
      progress,
      saved: progress.step,
      throughput: { seconds: 0, tokens: 0, steps: 0 },
    };
    return await runSteps(run).catch(async (error: unknown) => {
      if (communicator.isCommon(error)) await saveAfterFailure(run, error);
      throw error;
    });
  } catch (error) {
    if (communicator.isCommon(error)) throw error;
    return communicator.abort(error);
  }
}

async function runSteps<S>(run: Run<S>): Promise<TrainingOutcome> {
  const { recipe, trainer, ...options } = run.options;
  const part = partOf(trainer.communicator);
  await run.emit({
    kind: "start",
    recipe: recipe.name,
    step: trainer.step,
    steps: recipe.steps,
    processor: processorName(),
    processes: trainer.communicator.size,
  });
  if (run.progress.step > 0) await mendResumed(run);
  else await measureBeginning(run);
  let upcoming = isOver(run) ? undefined : options.reader(run.progress.position, part);
  while (upcoming !== undefined) {
    const agreed = await agreedShare(run, upcoming);
    if (agreed === "stop") break;
    const last = trainer.step + 1 >= recipe.steps;
    upcoming = last ? undefined : deferRejection(options.reader(agreed.next, part));
    await runStep(run, agreed);
    await measureDue(run);
    if (isDue(trainer.step, recipe.saveEvery) || isBest(run)) await saveCheckpoint(run);
    if (!last && isOver(run)) break;
  }
  await upcoming?.catch(() => undefined);
  if (run.saved !== trainer.step) await saveCheckpoint(run);
  const complete = isOver(run);
  const { step } = trainer;
  if (complete && step < recipe.steps) await tellStopped(run);
  const best = complete ? await restoreBest(run) : {};
  await trainer.communicator.agree(async () => {
    await run.emit({ kind: "end", step, complete });
    run.requireTold();
  });
  return { step, complete, ...best };
}

/** Whether nothing is left to be done. */
function isOver<S>({ options: { trainer, recipe }, progress }: Run<S>): boolean {
  return trainer.step >= recipe.steps || isPatienceOver(progress.evaluation, recipe);
}

/** Whether the last evaluation, of the step that was done last, makes this step the best to be kept. */
function isBest<S>({ options: { trainer, recipe }, progress }: Run<S>): boolean {
  return recipe.keep?.best === true && progress.evaluation?.best.step === trainer.step;
}

/** Does what follows a step and its checkpoint, where the run was stopped in between. */
async function mendResumed<S>(run: Run<S>): Promise<void> {
  const hasMeasured = await measureMissed(run);
  if (hasMeasured && isBest(run)) await saveCheckpoint(run);
  await keepSaved(run);
}

async function tellStopped<S>({ options, progress, emit }: Run<S>): Promise<void> {
  const { step, loss, score } = progress.evaluation!.best;
  const best = loss === undefined ? { bestScore: score } : { bestLoss: loss };
  await emit({ kind: "stopped", step: options.trainer.step, bestStep: step, ...best });
}

/** Loads the best checkpoint into the trainer, where the recipe keeps it. */
async function restoreBest<S>(run: Run<S>): Promise<{ bestStep?: number }> {
  const { trainer, recipe, directory } = run.options;
  const best = run.progress.evaluation?.best;
  if (directory === undefined || recipe.keep?.best !== true || best === undefined) return {};
  if (best.step !== trainer.step) {
    await restoreState(joinPath(directory, bestDirectory), trainer, recipe, run.options);
    run.saved = trainer.step;
  }
  return { bestStep: best.step };
}

/** What a process tells the others of the update that it has read. */
interface UpdateNote {
  /** It wants to stop before this update. */
  readonly stop: boolean;
  readonly microBatches: readonly MicroBatchNote[];
  readonly next: number;
  /** Rows that it has left out since the last update. */
  readonly skipped: readonly SkippedRow[];
}

/** An update that all processes begin. */
interface AgreedUpdate<S> extends UpdateShare<S> {
  readonly next: number;
  /** When this process began to wait for it, and how long, in milliseconds. */
  readonly began: number;
  readonly waited: number;
}

/**
 * The update that is read, once every process has its part: all begin it, or all stop because one wants to, or all throw what
 * one has thrown.
 */
async function agreedShare<S>(
  run: Run<S>,
  upcoming: Promise<AccumulatedBatches<TrainingBatch<S>>>,
): Promise<AgreedUpdate<S> | "stop"> {
  const { trainer, signal, skipped } = run.options;
  const { communicator } = trainer;
  const began = performance.now();
  let waited = 0;
  let own: readonly TrainingBatch<S>[] = [];
  const note = await communicator.agree(async (): Promise<UpdateNote> => {
    run.requireTold();
    if (signal?.aborted === true) return { stop: true, microBatches: [], next: 0, skipped: [] };
    const read = await upcoming;
    waited = performance.now() - began;
    own = ownBatches(read, communicator);
    return {
      stop: false,
      microBatches: trainer.notesOf(own),
      next: read.next,
      skipped: skipped?.takeUnreported() ?? [],
    };
  });
  const notes = await communicator.exchange(note);
  if (notes.some(({ stop }) => stop)) return "stop";
  const left = notes.flatMap((other) => other.skipped);
  if (left.length > 0) await tellSkipped(run, left);
  const all = interleaved(notes.map(({ microBatches }) => microBatches));
  return { own, all, next: note.next, began, waited };
}

/** The process's micro-batches, of a reader that reads them alone or one that reads all. */
function ownBatches<S>(
  { batches, part }: AccumulatedBatches<TrainingBatch<S>>,
  communicator: Trainer<S>["communicator"],
): readonly TrainingBatch<S>[] {
  const own = partOf(communicator);
  if (part?.count === own.count && part.index === own.index) return batches;
  return batches.filter((_, index) => isInPart(index, own));
}

/** Writes a checkpoint of the last finished step, where none holds it and its weights are consistent and finite. */
async function saveAfterFailure<S>(run: Run<S>, error: unknown): Promise<void> {
  const { trainer, directory } = run.options;
  if (directory === undefined || trainer.step === run.saved) return;
  if (error instanceof DivergenceError || !trainer.isConsistent || !hasFiniteWeights(trainer)) return;
  try {
    await saveCheckpoint(run);
  } catch (second) {
    const [first, other] = [error, second].map((one) => (one instanceof Error ? one.message : String(one)));
    if (run.saved === trainer.step || first === other) return;
    throw new Error(`${first}; nor could a checkpoint of step ${trainer.step} be written: ${other}`, {
      cause: error,
    });
  }
}

function hasFiniteWeights<S>({ trained, values }: Trainer<S>): boolean {
  return trained.every((name) => (values.get(name)!.data as Float32Array).every(Number.isFinite));
}

/** Tells rows that some process left out; all of them count such rows alike. */
async function tellSkipped<S>({ options, emit }: Run<S>, rows: readonly SkippedRow[]): Promise<void> {
  const { trainer, skipped } = options;
  const news = await trainer.communicator.agree(() => skipped?.tellOnce(rows) ?? []);
  for (const row of news) await emit({ kind: "skipped", step: trainer.step, ...row });
}

/** The same promise, whose rejection is not reported as unhandled before it is awaited. */
function deferRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function initialProgress<S>(options: TrainOptions<S>): Promise<Progress> {
  const { directory, resume, trainer, recipe, skipped } = options;
  const state = directory === undefined ? undefined : joinPath(directory, "state");
  const { communicator } = trainer;
  if (!resume || state === undefined || !(await communicator.fromFirst(() => hasState(state)))) {
    return { step: 0, position: 0, tokens: 0 };
  }
  const progress = await restoreState(state, trainer, recipe, options);
  if (progress.step > recipe.steps) {
    throw communicator.common(
      new ResumeError(
        `${state}: steps must be at least the ${progress.step} that are done, got ${recipe.steps}`,
      ),
    );
  }
  skipped?.restore(progress.skipped ?? []);
  return progress;
}

async function runStep<S>(run: Run<S>, update: AgreedUpdate<S>): Promise<void> {
  const { trainer, recipe } = run.options;
  const unlabelled = update.all.flatMap(({ rowsWithoutLabels }) => rowsWithoutLabels);
  if (unlabelled.length > 0) await run.emit({ kind: "silent", step: trainer.step, rows: unlabelled });
  if (labelsOf(update.all) === 0) {
    const text = `step ${trainer.step}: some token must count, got none in ${unlabelled.join(", ")}`;
    throw trainer.communicator.common(new DataError(text));
  }
  const { losses } = run.progress;
  const result = await trainer.update(update, { highestLoss: highestLoss(losses, recipe) });
  const tokens = update.all.reduce((sum, { tokens }) => sum + tokens, 0);
  const { throughput } = run;
  const seconds = (performance.now() - update.began) / 1000;
  throughput.seconds += seconds;
  throughput.tokens += tokens;
  throughput.steps++;
  run.progress = {
    ...run.progress,
    step: trainer.step,
    position: update.next,
    tokens: run.progress.tokens + tokens,
    ...(recipe.maxLossSpike !== undefined && { losses: withLoss(losses, result.loss) }),
  };
  await run.emit({
    kind: "step",
    step: trainer.step,
    steps: recipe.steps,
    ...result,
    tokens: run.progress.tokens,
    stepTokens: tokens,
    seconds,
    waitSeconds: update.waited / 1000,
    memoryBytes: residentMemory(),
    tokensPerSecond: throughput.tokens / throughput.seconds,
    secondsLeft: ((recipe.steps - trainer.step) * throughput.seconds) / throughput.steps,
  });
}

async function saveCheckpoint<S>(run: Run<S>): Promise<void> {
  const { directory, trainer, recipe, skipped } = run.options;
  if (directory !== undefined) {
    const state = joinPath(directory, "state");
    // A checkpoint of a step whose line a power cut could still take away would leave a gap in the log.
    await trainer.communicator.agree(() => run.log?.flush());
    await saveState(state, trainer, { ...run.progress, skipped: skipped?.names }, recipe, run.options);
    run.saved = trainer.step;
    await run.emit({ kind: "checkpoint", step: trainer.step, directory: state });
    await keepSaved(run);
  }
  run.saved = trainer.step;
}

/** Keeps the checkpoint of the step that was done last, as the recipe says. */
async function keepSaved<S>({ options, progress }: Run<S>): Promise<void> {
  const { directory, trainer, recipe } = options;
  if (directory === undefined) return;
  await trainer.communicator.fromFirst(() => keepCheckpoint(directory, recipe, progress));
}
