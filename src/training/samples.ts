import type { PatchFraming } from "../inspection/index.ts";

/** Where an abstractor looked on a picture: the attention of all visual tokens, layers and heads together. */
export interface SampleAttention {
  /** Rows of patches from the top, and columns from the left. */
  readonly rows: number;
  readonly columns: number;
  /** Where the patches lie on the picture. */
  readonly framing: PatchFraming;
  /** [rows · columns], relative to the patch with the most: 0 to 1. */
  readonly shares: readonly number[];
}

/** What the model as it stands answers to a fixed question. */
export interface SampleAnswer {
  readonly question: string;
  /** The question's pictures: files in the run's directory, by paths relative to it. */
  readonly pictures: readonly string[];
  readonly answer: string;
  /** Whether the answer was cut because it grew too long. */
  readonly isCut: boolean;
  /** For each picture. */
  readonly attention: readonly SampleAttention[];
}

/** Fixed questions that the model answers before the first step and now and then while it learns. */
export interface Sampling {
  /** Steps between two times; the last step is one in any case. Absent: these two alone. */
  readonly every?: number | undefined;
  /** Asks the model with the weights that the trainer has now; called in the first process alone. */
  answer(): Promise<readonly SampleAnswer[]>;
}
