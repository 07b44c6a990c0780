import { ContextLengthError } from "../prompt/index.ts";
import { ApiError } from "./errors.ts";
import type { OpenModel } from "./models.ts";

/** The field of a request that holds what is to be continued. */
export type PromptField = "messages" | "prompt";

/** What helps. */
function advice(field: PromptField, isTruncated: boolean): string {
  if (field === "prompt") return "shorten it";
  if (isTruncated) return "shorten the last message or the system's, which are never left out";
  return 'shorten it, or let its oldest turns be left out with "truncation": "auto"';
}

/** Some clients recognise this error by its code, others by the words "maximum context length". */
function contextTooLong(positions: number, got: string, field: PromptField, isTruncated: boolean): ApiError {
  const most = `the model's ${positions} positions (this model's maximum context length is ${positions} tokens)`;
  const message = `${field}: must fit ${most}, got ${got}; ${advice(field, isTruncated)}`;
  return new ApiError(400, message, { param: field, code: "context_length_exceeded" });
}

/**
 * The ApiError for a prompt that is too long; any other error as it is.
 * @param isTruncated whether all turns but the last were left out before
 */
export function contextLengthError(error: unknown, field: PromptField, isTruncated = false): unknown {
  if (!(error instanceof ContextLengthError)) return error;
  return contextTooLong(error.available, `${error.needed} tokens`, field, isTruncated);
}

/**
 * Refuses texts that cannot fit, before they are cut into tokens: that takes time for each letter.
 * @throws ApiError 400
 */
export function requireFittingText(
  model: OpenModel,
  texts: Iterable<string>,
  field: PromptField,
  isTruncated = false,
): void {
  let characters = 0;
  for (const text of texts) characters += text.length;
  if (characters <= model.maxCharacters) return;
  const { maxPositions } = model.owl.config.language;
  const tokens = Math.ceil((characters * maxPositions) / model.maxCharacters);
  throw contextTooLong(
    maxPositions,
    `at least ${tokens} tokens (${characters} characters)`,
    field,
    isTruncated,
  );
}
