/** Restricts, at every decode step of one sequence, which tokens may come next. It holds that sequence's state. */
export interface TokenConstraint {
  /** Sets the logits [vocabulary] of every token that may not come next to −∞. At least one is left. */
  forbid(logits: Float32Array): void;
  /** Advances by the token that was sampled. */
  accept(id: number): void;
}
