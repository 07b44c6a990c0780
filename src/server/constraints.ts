import type { TokenConstraint } from "../generation/index.ts";
import { badRequest } from "./errors.ts";
import type { OpenModel } from "./models.ts";
import type { ChatRequest } from "./schema.ts";

/** Makes the constraint of one answer; absent: any text may come. */
export type MakeConstraint = () => TokenConstraint;

/** What `response_format` asks of an answer. */
export function constraintsOf(
  format: NonNullable<ChatRequest["response_format"]> | undefined,
  _model: OpenModel,
): MakeConstraint | undefined {
  if (format === undefined || format.type === "text") return undefined;
  throw badRequest(`response_format: this server has no ${format.type}`, "response_format.type");
}
