/** A conversation or training row that cannot be made into model input; the message says where and why. */
export class PromptError extends Error {
  override name = "PromptError";
}
