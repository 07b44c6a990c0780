import type { SampleAnswer } from "../../src/training/index.ts";
import { roundAt, type SampleRound } from "./run-history.ts";
import type { ListedRun } from "./watched-runs.svelte.ts";

/** An answer of a run, and when it was given. */
export interface ToldAnswer {
  readonly run: ListedRun;
  /** 0: by the model that the run began with. */
  readonly step: number;
  readonly answer: SampleAnswer;
}

/** A question with the answers that stand side by side. */
export interface AskedQuestion {
  readonly key: string;
  readonly question: string;
  readonly pictures: readonly string[];
  /** A run that has the pictures. */
  readonly runId: string;
  /** By the models that the runs began with; then by what they have learned. */
  readonly answers: readonly ToldAnswer[];
  /** All answers of the runs, each only where it differs from the one before. */
  readonly changes: readonly ToldAnswer[];
}

const keyOf = ({ question, pictures }: SampleAnswer): string => JSON.stringify([question, ...pictures]);

/** The questions of runs, with their answers at a step (undefined: the last ones). */
export function askedQuestions(runs: readonly ListedRun[], step = Number.POSITIVE_INFINITY): AskedQuestion[] {
  const questions = new Map<string, { answer: SampleAnswer; runId: string }>();
  for (const { id, history } of runs) {
    for (const { answers } of history.samples) {
      for (const answer of answers) {
        if (!questions.has(keyOf(answer))) questions.set(keyOf(answer), { answer, runId: id });
      }
    }
  }
  return [...questions].map(([key, { answer, runId }]) => {
    const told = (run: ListedRun, round: SampleRound | undefined): ToldAnswer[] => {
      const found = round?.answers.find((one) => keyOf(one) === key);
      return round === undefined || found === undefined ? [] : [{ run, step: round.step, answer: found }];
    };
    const bases = runs.flatMap((run) => told(run, roundAt(run.history.samples, 0)));
    const tuned = runs.flatMap((run) => told(run, roundAt(run.history.samples, step)));
    const all = runs.map((run) => run.history.samples.flatMap((round) => told(run, round)));
    return {
      key,
      question: answer.question,
      pictures: answer.pictures,
      runId,
      answers: [...withoutRepeats(bases), ...tuned.filter((one) => one.step > 0)],
      changes: all.flatMap(withoutRepeats),
    };
  });
}

/** Answers that differ from the one before. */
function withoutRepeats(told: readonly ToldAnswer[]): ToldAnswer[] {
  return told.filter(({ answer }, i) => i === 0 || told[i - 1].answer.answer !== answer.answer);
}
