/** What the text of an answer may be. */
export { JsonSchemaError } from "./error.ts";
export { type JsonConstraintOptions, jsonConstraint } from "./json-constraint.ts";
export type { TokenConstraint } from "./token-constraint.ts";
