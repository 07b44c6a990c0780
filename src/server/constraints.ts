import { JsonSchemaError, jsonConstraint } from "../constraint/index.ts";
import type { GenerationSettings, TokenConstraint } from "../generation/index.ts";
import type { Prompt } from "../inference/index.ts";
import { badRequest } from "./errors.ts";
import type { OpenModel } from "./models.ts";
import type { ChatRequest } from "./schema.ts";

/** Makes the constraint of one answer to a prompt; absent: any text may come. */
export type MakeConstraint = (prompt: Prompt) => TokenConstraint;

/**
 * What `response_format` asks of an answer: JSON of a schema, or any JSON object.
 * @throws ApiError 400 naming everything in the schema that is not supported
 */
export function constraintsOf(
  format: NonNullable<ChatRequest["response_format"]> | undefined,
  { owl }: OpenModel,
  settings: GenerationSettings,
): MakeConstraint | undefined {
  if (format === undefined || format.type === "text") return undefined;
  const schema = format.type === "json_schema" ? format.json_schema.schema : undefined;
  const { eosTokenIds, maxNewTokens } = settings;
  const within = (tokens: number): TokenConstraint =>
    jsonConstraint(schema, owl.tokenizer, { eosTokenIds, maxNewTokens: Math.min(maxNewTokens, tokens) });
  try {
    within(maxNewTokens);
  } catch (error) {
    if (error instanceof JsonSchemaError) {
      throw badRequest(error.message, "response_format.json_schema.schema");
    }
    throw error;
  }
  // The last token needs no position.
  return ({ ids }) => within(owl.config.language.maxPositions - ids.length + 1);
}
