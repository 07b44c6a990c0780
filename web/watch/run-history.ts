import type { SampleAnswer, ToldRewards, TrainingEvent } from "../../src/training/index.ts";

/** What is drawn of a run, by step. */
export type CurveName =
  | "loss"
  | "heldOut"
  | "learningRate"
  | "gradientNorm"
  | "tokens"
  | "wait"
  | "memory"
  | "margin"
  | "heldOutMargin"
  | "accuracy"
  | "heldOutAccuracy";

/** Values by ascending steps; null where a step has none. */
export interface Curve {
  readonly steps: number[];
  readonly values: (number | null)[];
}

/** The answers to the fixed questions after so many steps. */
export interface SampleRound {
  readonly step: number;
  readonly answers: readonly SampleAnswer[];
}

type StepEvent = Extract<TrainingEvent, { kind: "step" }>;

/** A number of the log; JSON has null for those that are not finite, and earlier versions' logs lack some. */
const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

type OfStep = "loss" | "learningRate" | "gradientNorm" | "tokens" | "wait" | "memory";

const ofSteps: Readonly<Record<OfStep, (event: StepEvent) => number | null>> = {
  loss: ({ loss }) => numberOf(loss),
  learningRate: ({ learningRate }) => numberOf(learningRate),
  gradientNorm: ({ gradientNorm }) => numberOf(gradientNorm),
  tokens: ({ stepTokens, seconds }) => numberOf(stepTokens / seconds),
  wait: ({ waitSeconds }) => numberOf(waitSeconds),
  memory: ({ memoryBytes }) => numberOf(memoryBytes),
};

/** Rewards of pairs of answers, which other runs have not. */
const ofRewards = ["margin", "heldOutMargin", "accuracy", "heldOutAccuracy"] as const;

const curveNames = [...Object.keys(ofSteps), "heldOut", ...ofRewards] as CurveName[];

/** What a log tells of a run, event by event. */
export class RunHistory {
  readonly curves: Readonly<Record<CurveName, Curve>> = Object.fromEntries(
    curveNames.map((name) => [name, { steps: [], values: [] }]),
  ) as unknown as Record<CurveName, Curve>;
  /** The most important figure of each benchmark, by the benchmark's name and the figure's. */
  readonly scores = new Map<string, Curve>();
  readonly samples: SampleRound[] = [];
  /** Rows that were left out. */
  skipped = 0;
  /** Steps that are done, and that there will be. */
  step = 0;
  steps = 0;
  /** When the last event was written, in milliseconds. */
  lastTime = 0;
  /** Seconds of a step, the mean of the last ones. */
  stepSeconds = 0;
  secondsLeft: number | undefined;
  /** How the run ended; undefined while it has not, or has crashed. */
  end: "complete" | "stopped" | undefined;
  /** The step that evaluations did not get better than, where this ended the run. */
  bestStep: number | undefined;

  /** @param event a line of `log.jsonl`; kinds that are not known change nothing but the time */
  add(event: TrainingEvent & { readonly time?: string }): void {
    const time = Date.parse(event.time ?? "");
    if (Number.isFinite(time)) this.lastTime = time;
    switch (event.kind) {
      case "start":
        this.#beginAt(event.step, event.steps);
        break;
      case "step":
        this.#addStep(event);
        break;
      case "evaluation":
        put(this.curves.heldOut, event.step, numberOf(event.loss));
        this.#addRewards(event, "heldOutMargin", "heldOutAccuracy");
        break;
      case "benchmark":
        this.#addScore(event);
        break;
      case "samples":
        removeFrom(this.samples, ({ step }) => step >= event.step);
        this.samples.push({ step: event.step, answers: event.answers });
        break;
      case "skipped":
        this.skipped++;
        break;
      case "stopped":
        this.bestStep = event.bestStep;
        break;
      case "end":
        this.end = event.complete ? "complete" : "stopped";
    }
  }

  /** A process begins, or goes on from a checkpoint: what an earlier one did after that is computed again. */
  #beginAt(step: number, steps: number): void {
    for (const { steps: own, values } of [...Object.values(this.curves), ...this.scores.values()]) {
      const kept = own.findLastIndex((one) => one <= step) + 1;
      own.length = kept;
      values.length = kept;
    }
    removeFrom(this.samples, (round) => round.step > step);
    this.step = step;
    this.steps = steps;
    this.end = undefined;
    this.bestStep = undefined;
    this.secondsLeft = undefined;
  }

  #addStep(event: StepEvent): void {
    this.step = event.step;
    this.steps = event.steps;
    this.secondsLeft = event.secondsLeft;
    this.stepSeconds = this.stepSeconds === 0 ? event.seconds : 0.9 * this.stepSeconds + 0.1 * event.seconds;
    for (const [name, read] of Object.entries(ofSteps)) {
      put(this.curves[name as CurveName], event.step, read(event));
    }
    this.#addRewards(event, "margin", "accuracy");
  }

  #addRewards(
    { step, rewardMargin, rewardAccuracy }: ToldRewards & { readonly step: number },
    margin: CurveName,
    accuracy: CurveName,
  ): void {
    if (rewardMargin !== undefined) put(this.curves[margin], step, numberOf(rewardMargin));
    if (rewardAccuracy !== undefined) put(this.curves[accuracy], step, numberOf(rewardAccuracy));
  }

  #addScore({ name, step, figures }: Extract<TrainingEvent, { kind: "benchmark" }>): void {
    const [first] = Object.entries(figures);
    if (first === undefined) return;
    const [figure, { estimate }] = first;
    const key = `${name}, ${figure}`;
    const curve = this.scores.get(key) ?? { steps: [], values: [] };
    this.scores.set(key, curve);
    put(curve, step, numberOf(estimate));
  }
}

/** Puts a value at the end of a curve, in the place of one of the same step. */
function put({ steps, values }: Curve, step: number, value: number | null): void {
  const at = steps.at(-1) === step ? steps.length - 1 : steps.length;
  steps[at] = step;
  values[at] = value;
}

function removeFrom<T>(list: T[], isFirst: (item: T) => boolean): void {
  const at = list.findIndex(isFirst);
  if (at >= 0) list.length = at;
}

/** The value of a curve at a step, or at the last one before it. */
export function valueAt({ steps, values }: Curve, step: number): number | null {
  return values[lastIndexAt(steps, step)] ?? null;
}

/** The round of answers at a step, or the last one before it. */
export function roundAt(samples: readonly SampleRound[], step: number): SampleRound | undefined {
  return samples.findLast((round) => round.step <= step);
}

/** The index of the last of ascending steps that is not greater; −1 where there is none. */
function lastIndexAt(steps: readonly number[], step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How long a run may be silent: an evaluation, a checkpoint or a long step may be under way. */
const shortestSilence = 60;

/** What can be said of a run now. A process that was killed says nothing: only silence tells of it. */
export function statusOf(
  history: RunHistory,
  now: number,
): { readonly words: string; readonly isLive: boolean } {
  const { end, bestStep, lastTime, stepSeconds, secondsLeft } = history;
  if (end === "complete") {
    const early =
      bestStep === undefined ? "" : `, since evaluations did not get better than at step ${bestStep}`;
    return { words: `finished${early}`, isLive: false };
  }
  if (end === "stopped") return { words: "stopped; --resume goes on with it", isLive: false };
  if (lastTime === 0) return { words: "has not begun", isLive: true };
  const silent = (now - lastTime) / 1000;
  if (silent > Math.max(shortestSilence, 20 * stepSeconds)) {
    return {
      words: `silent for ${duration(silent)}: it has ended without a word, or is at something long`,
      isLive: false,
    };
  }
  return {
    words: secondsLeft === undefined ? "begins" : `runs, ${duration(secondsLeft)} left`,
    isLive: true,
  };
}

/** `3 min 20 s` */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}
