/** A JSON schema that decoding cannot be held to; the message names every place and what is wrong there. */
export class JsonSchemaError extends Error {
  override name = "JsonSchemaError";
  /** One line for each problem, with a JSON pointer into the schema. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `json schema: must be one that decoding can be held to, got:\n${problems.map((line) => `- ${line}`).join("\n")}\n` +
        "Say it in the keywords that docs/library.md lists, or leave it out",
    );
    this.problems = problems;
  }
}
