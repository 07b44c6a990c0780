import type { BenchmarkScore } from "./benchmarks.ts";
import type { SampleAnswer } from "./samples.ts";

/** Of pairs of answers alone. */
export interface ToldRewards {
  /** How much more the better ones are favoured than by the model that the run began with, on average. */
  readonly rewardMargin?: number | undefined;
  /** Which part of the pairs has a margin above 0. */
  readonly rewardAccuracy?: number | undefined;
}

/** What `onEvent` gets during a training; each is also a line of `log.jsonl`. */
export type TrainingEvent =
  | {
      readonly kind: "start";
      readonly recipe: string;
      readonly step: number;
      readonly steps: number;
      /** The processor's name, and how many processes train; absent in logs of earlier versions. */
      readonly processor?: string | undefined;
      readonly processes?: number | undefined;
    }
  | (ToldRewards & {
      readonly kind: "step";
      /** Updates done, this one included. */
      readonly step: number;
      readonly steps: number;
      /** Mean over all labels of the update. */
      readonly loss: number;
      /** Before clipping. */
      readonly gradientNorm: number;
      readonly learningRate: number;
      /** Tokens trained on since the run began, without padding. */
      readonly tokens: number;
      /** Tokens of this step alone. */
      readonly stepTokens: number;
      /** What this step took, the wait for its rows included. */
      readonly seconds: number;
      /** How long the first process waited for the rows of this step: longer than 0 where reading them takes longer than a step. */
      readonly waitSeconds: number;
      /** Memory of the first process after the step. */
      readonly memoryBytes: number;
      /** Mean of the steps so far, since this process began. */
      readonly tokensPerSecond: number;
      readonly secondsLeft: number;
    })
  /** Rows without labels: they were computed but give no gradient. */
  | { readonly kind: "silent"; readonly step: number; readonly rows: readonly string[] }
  /** A row that could not be read, and the one that replaces it (none for a held-out row). */
  | {
      readonly kind: "skipped";
      readonly step: number;
      readonly row: string;
      readonly reason: string;
      readonly replacedBy?: string | undefined;
    }
  /** Held-out rows: the mean loss over their labels; of pairs of answers the rewards too, as in a step. */
  | ({ readonly kind: "evaluation"; readonly step: number; readonly loss: number } & ToldRewards)
  /** What the model scores in a benchmark after so many steps; at 0 it is the one that the run began with. */
  | ({ readonly kind: "benchmark"; readonly step: number } & BenchmarkScore)
  /** What the model answers to the fixed questions after so many steps; at 0 it is the one that the run began with. */
  | { readonly kind: "samples"; readonly step: number; readonly answers: readonly SampleAnswer[] }
  | { readonly kind: "checkpoint"; readonly step: number; readonly directory: string }
  /** The run is over before its last step, since evaluations no longer improve. */
  | {
      readonly kind: "stopped";
      readonly step: number;
      readonly bestStep: number;
      /** The lowest loss on held-out rows, where this decides. */
      readonly bestLoss?: number | undefined;
      /** The highest score, where a benchmark decides. */
      readonly bestScore?: number | undefined;
    }
  | { readonly kind: "end"; readonly step: number; readonly complete: boolean };
