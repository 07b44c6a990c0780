/** Says at each step of one answer which tokens may come next. It belongs to that answer alone. */
export interface TokenConstraint {
  /** Sets the logits [vocabulary] of every token that may not come next to −∞. At least one is left. */
  forbid(logits: Float32Array): void;
  /** Takes note of the token that was chosen. */
  accept(id: number): void;
}
