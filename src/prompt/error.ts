/** A conversation or training row that cannot be made into model input; the message says where and why. */
export class PromptError extends Error {
  override name = "PromptError";
}

/** A prompt that needs more positions than the model has. */
export class ContextLengthError extends PromptError {
  override name = "ContextLengthError";
  /** Positions that the prompt takes, visual tokens included. */
  readonly needed: number;
  /** Positions that the model has. */
  readonly available: number;

  constructor(
    message: string,
    { needed, available }: { readonly needed: number; readonly available: number },
  ) {
    super(message);
    this.needed = needed;
    this.available = available;
  }
}
