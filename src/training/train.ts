import { DataError, type Reader } from "../data/index.ts";
import { joinPath } from "../platform/index.ts";
import type { TrainingEvent } from "./events.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import { hasState, type Progress, restoreState, saveState } from "./state.ts";
import type { TrainingBatch } from "./step-programs.ts";
import type { Trainer } from "./trainer.ts";

export interface TrainOptions<S> {
  readonly trainer: Trainer<S>;
  readonly recipe: TrainingRecipe;
  readonly reader: Reader<TrainingBatch<S>>;
  /** Held-out batches for evaluation. */
  readonly evaluation?: readonly TrainingBatch<S>[];
  /** Where `state/` and `log.jsonl` go; nothing is written if absent. */
  readonly directory?: string;
  /** Go on from `state/` where there is one. */
  readonly resume?: boolean;
  /** Stop early: the step under way ends, a checkpoint is written. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

export interface TrainingOutcome {
  readonly step: number;
  /** Whether all steps were done; false after an abort. */
  readonly complete: boolean;
}

/** What the loop carries along. */
interface Run<S> {
  readonly options: TrainOptions<S>;
  readonly emit: (event: TrainingEvent) => Promise<void>;
  progress: Progress;
  /** Seconds of computing and tokens since this process began, for the rate. */
  readonly since: { seconds: number; tokens: number; steps: number };
}

/**
 * The training loop of every stage: read, update, evaluate, write a checkpoint, until the recipe's steps are done
 * or the signal says stop. The next batch is prepared while the current one is computed. Going on from a
 * checkpoint gives bit for bit what an uninterrupted run would have given.
 *
 * @throws DataError where all rows of an update have nothing to learn, naming them
 */
export async function train<S>(options: TrainOptions<S>): Promise<TrainingOutcome> {
  const { directory, recipe, trainer, signal } = options;
  const log = directory === undefined ? undefined : await openRunLog(joinPath(directory, "log.jsonl"));
  const run: Run<S> = {
    options,
    emit: (event) => emitTo(event, log, options.onEvent),
    progress: await startingPoint(options),
    since: { seconds: 0, tokens: 0, steps: 0 },
  };
  await run.emit({ kind: "start", recipe: recipe.name, step: trainer.step, steps: recipe.steps });
  let portion = trainer.step < recipe.steps ? options.reader(run.progress.position) : undefined;
  let saved = trainer.step;
  while (portion !== undefined && signal?.aborted !== true) {
    const began = performance.now();
    const { batches, next } = await portion;
    const last = trainer.step + 1 >= recipe.steps;
    portion = last ? undefined : quietly(options.reader(next));
    await stepOf(run, batches, next, began);
    if (due(trainer.step, recipe.evaluateEvery) || last) await evaluateOf(run);
    if (due(trainer.step, recipe.saveEvery)) saved = await saveOf(run);
  }
  await portion?.catch(() => undefined);
  if (saved !== trainer.step) await saveOf(run);
  const complete = trainer.step >= recipe.steps;
  await run.emit({ kind: "end", step: trainer.step, complete });
  return { step: trainer.step, complete };
}

/** A promise whose failure is met when it is awaited, not before. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const due = (step: number, every: number | undefined): boolean => every !== undefined && step % every === 0;

async function emitTo(
  event: TrainingEvent,
  log: RunLog | undefined,
  onEvent: TrainOptions<unknown>["onEvent"],
): Promise<void> {
  onEvent?.(event);
  await log?.write(event);
}

async function startingPoint<S>({ directory, resume, trainer, recipe }: TrainOptions<S>): Promise<Progress> {
  const state = directory === undefined ? undefined : joinPath(directory, "state");
  if (!resume || state === undefined || !(await hasState(state))) {
    return { step: 0, position: 0, tokens: 0 };
  }
  return restoreState(state, trainer, recipe);
}

async function stepOf<S>(
  run: Run<S>,
  batches: readonly TrainingBatch<S>[],
  next: number,
  began: number,
): Promise<void> {
  const { trainer, recipe } = run.options;
  const silent = batches.flatMap((batch) => batch.silent);
  if (silent.length > 0) await run.emit({ kind: "silent", step: trainer.step, rows: silent });
  if (batches.every((batch) => batch.counted === 0)) {
    throw new DataError(`step ${trainer.step}: some token must count, got none in ${silent.join(", ")}`);
  }
  const result = await trainer.update(batches);
  const tokens = batches.reduce((sum, batch) => sum + batch.filled, 0);
  const { since } = run;
  since.seconds += (performance.now() - began) / 1000;
  since.tokens += tokens;
  since.steps++;
  run.progress = { step: trainer.step, position: next, tokens: run.progress.tokens + tokens };
  await run.emit({
    kind: "step",
    step: trainer.step,
    steps: recipe.steps,
    ...result,
    tokens: run.progress.tokens,
    tokensPerSecond: since.tokens / since.seconds,
    secondsLeft: ((recipe.steps - trainer.step) * since.seconds) / since.steps,
  });
}

async function evaluateOf<S>({ options, emit }: Run<S>): Promise<void> {
  const { trainer, evaluation } = options;
  if (evaluation === undefined || evaluation.length === 0) return;
  await emit({ kind: "evaluation", step: trainer.step, loss: await trainer.evaluate(evaluation) });
}

async function saveOf<S>({ options, emit, progress }: Run<S>): Promise<number> {
  const { directory, trainer, recipe } = options;
  if (directory !== undefined) {
    const state = joinPath(directory, "state");
    await saveState(state, trainer, progress, recipe);
    await emit({ kind: "checkpoint", step: trainer.step, directory: state });
  }
  return trainer.step;
}
