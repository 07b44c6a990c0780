/** A question and its answer. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/** A conversation as mPLUG-Owl writes it, with `context` (its `<image>` marks) in front and no system sentence. */
export function conversation(turns: readonly Turn[], context?: string): string {
  const lines = turns.map(({ question, answer }) => `Human: ${question}\nAI: ${answer}`);
  return [...(context === undefined ? [] : [`Human: ${context}`]), ...lines].join("\n");
}
