import { Presets, SingleBar } from "cli-progress";
import { figureText } from "../evaluation/index.ts";
import { formatDuration } from "../primitives/index.ts";
import type { BenchmarkScore, ToldRewards, TrainingEvent } from "../training/index.ts";

type Step = Extract<TrainingEvent, { kind: "step" }>;

/** The display of a training run. */
export interface ProgressView {
  readonly update: (event: TrainingEvent) => void;
  /** Shows a sentence: beside the bar on a terminal, otherwise a line. */
  readonly log: (text: string) => void;
  readonly end: () => void;
}

/** Steps after which the time that a run will take is told: the first one, which compiles, does not count. */
export const timedSteps = 4;

/** A progress bar on a terminal, otherwise lines. */
export function showTrainingProgress(steps: number): ProgressView {
  const view = process.stderr.isTTY ? barView(steps) : lineView(steps);
  const seconds: number[] = [];
  return {
    ...view,
    update: (event) => {
      view.update(event);
      if (event.kind !== "step" || seconds.length >= timedSteps) return;
      seconds.push(event.seconds);
      if (seconds.length === timedSteps && event.step < steps) view.log(timeSentence(event, seconds));
    },
  };
}

/** What the rest of a run will take, by the steps after its first one. */
function timeSentence({ step, steps }: Step, seconds: readonly number[]): string {
  const later = seconds.slice(1);
  const each = later.reduce((sum, one) => sum + one, 0) / later.length;
  const left = formatDuration((steps - step) * each);
  return `time: about ${each.toPrecision(2)} s a step, ${left} for the other ${(steps - step).toLocaleString("en")}, evaluations and checkpoints apart`;
}

const rewardWords = ({ rewardMargin, rewardAccuracy }: ToldRewards): string[] => [
  ...(rewardMargin === undefined ? [] : [`margin ${rewardMargin.toFixed(3)}`]),
  ...(rewardAccuracy === undefined ? [] : [`${Math.round(100 * rewardAccuracy)} % right`]),
];

/** The numbers of a step as text. */
const figures = ({
  loss,
  rewardMargin,
  rewardAccuracy,
  tokensPerSecond,
  secondsLeft,
}: Step): Record<string, string> => ({
  loss: [loss.toFixed(4), ...rewardWords({ rewardMargin, rewardAccuracy })].join("  "),
  rate: Math.round(tokensPerSecond).toLocaleString("en"),
  left: formatDuration(secondsLeft),
});

/** The first figure of a benchmark, which is the most important one. */
function scoreWords({ name, items, figures }: BenchmarkScore): string {
  const [[figure, { estimate, low, high }]] = Object.entries(figures);
  return `${name} ${figure} ${figureText(estimate)} (95 %: ${figureText(low)} to ${figureText(high)}) on ${items} items`;
}

function bestWords({ bestLoss, bestScore }: Extract<TrainingEvent, { kind: "stopped" }>): string {
  if (bestLoss !== undefined) return `the lowest loss was ${bestLoss.toFixed(4)}`;
  return `the highest score was ${figureText(bestScore ?? Number.NaN)}`;
}

/** A sentence for an event that is no step; undefined where there is nothing to say. */
function describe(event: Exclude<TrainingEvent, Step>): string | undefined {
  switch (event.kind) {
    case "start":
      return event.step === 0 ? undefined : `going on after step ${event.step}`;
    case "silent":
      return `nothing to learn in ${event.rows.join(", ")}`;
    case "skipped":
      return `left out ${event.row}${event.replacedBy === undefined ? "" : `, ${event.replacedBy} in its place`}: ${event.reason}`;
    case "evaluation":
      return `step ${event.step}: loss on held-out rows ${[event.loss.toFixed(4), ...rewardWords(event)].join(", ")}`;
    case "benchmark":
      return `step ${event.step}: ${scoreWords(event)}`;
    case "samples":
      return event.answers
        .map(({ question, answer }) => `step ${event.step}: "${question}" "${answer.trim()}"`)
        .join("\n");
    case "checkpoint":
      return `step ${event.step}: checkpoint in ${event.directory}`;
    case "stopped":
      return `step ${event.step}: evaluations no longer improve (${bestWords(event)}, at step ${event.bestStep}); the run is over`;
    case "end":
      return undefined;
  }
}

function lineView(steps: number): ProgressView {
  const every = Math.max(1, Math.min(50, Math.floor(steps / 20)));
  const log = (text: string): void => void process.stdout.write(`${text}\n`);
  const update = (event: TrainingEvent): void => {
    if (event.kind === "step") {
      const { loss, rate, left } = figures(event);
      if (event.step % every === 0 || event.step === steps)
        log(`step ${event.step}/${steps}  loss ${loss}  ${rate} tokens/s  ${left} left`);
    } else {
      const text = describe(event);
      if (text !== undefined) log(text);
    }
  };
  return { update, log, end: () => undefined };
}

function barView(steps: number): ProgressView {
  const format = "{bar} {value}/{total}  loss {loss}  {rate} tokens/s  {left} left  {note}";
  const bar = new SingleBar({ format, clearOnComplete: false, hideCursor: true }, Presets.shades_classic);
  let note = "";
  const log = (text: string): void => {
    note = text.split("\n")[0];
    bar.update({ note });
  };
  const update = (event: TrainingEvent): void => {
    if (event.kind === "start") bar.start(steps, event.step, { loss: "-", rate: "-", left: "-", note });
    else if (event.kind === "step") bar.update(event.step, figures(event));
    else log(describe(event) ?? note);
  };
  return { update, log, end: () => bar.stop() };
}
