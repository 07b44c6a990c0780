import type { GenerationSettings, MakeConstraint } from "../generation/index.ts";
import { badRequest } from "./errors.ts";
import type { OpenModel } from "./models.ts";
import type { ChatRequest } from "./schema.ts";

/**
 * The token constraint for a `response_format`: JSON of a schema, or any JSON object.
 * @throws ApiError 400 naming everything in the schema that is not supported
 */
export async function constraintsOf(
  format: NonNullable<ChatRequest["response_format"]> | undefined,
  { owl }: OpenModel,
  settings: GenerationSettings,
): Promise<MakeConstraint | undefined> {
  if (format === undefined || format.type === "text") return undefined;
  // Schemas and regular expressions are much to load for those who want none.
  const { JsonSchemaError, jsonConstraint } = await import("../constraint/index.ts");
  const schema = format.type === "json_schema" ? format.json_schema.schema : undefined;
  const { eosTokenIds } = settings;
  const constraint: MakeConstraint = (maxNewTokens) =>
    jsonConstraint(schema, owl.tokenizer, { eosTokenIds, maxNewTokens });
  try {
    constraint(settings.maxNewTokens);
  } catch (error) {
    if (error instanceof JsonSchemaError) {
      throw badRequest(error.message, "response_format.json_schema.schema");
    }
    throw error;
  }
  return constraint;
}
