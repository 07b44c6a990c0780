/** What the training loop tells whoever watches; each is also a line of `log.jsonl`. */
export type TrainingEvent =
  | { readonly kind: "start"; readonly recipe: string; readonly step: number; readonly steps: number }
  | {
      readonly kind: "step";
      /** Updates done, this one included. */
      readonly step: number;
      readonly steps: number;
      /** Mean over the positions that count. */
      readonly loss: number;
      /** Before clipping. */
      readonly gradientNorm: number;
      readonly learningRate: number;
      /** Tokens seen since the run began. */
      readonly tokens: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft: number;
    }
  /** Rows in which no token counts: they were computed and taught nothing. */
  | { readonly kind: "silent"; readonly step: number; readonly rows: readonly string[] }
  /** A row that could not be read, and which one stands in its place (none for a held-out row). */
  | {
      readonly kind: "skipped";
      readonly step: number;
      readonly row: string;
      readonly reason: string;
      readonly replacedBy?: string | undefined;
    }
  | { readonly kind: "evaluation"; readonly step: number; readonly loss: number }
  | { readonly kind: "checkpoint"; readonly step: number; readonly directory: string }
  | { readonly kind: "end"; readonly step: number; readonly complete: boolean };
