/** What a model has that the format it is exported to cannot say; the message names it and the next step. */
export class ExportError extends Error {
  override name = "ExportError";

  constructor(where: string, must: string, problems: readonly string[], next: string) {
    const got = problems.length === 1 ? ` ${problems[0]}` : `\n  - ${problems.join("\n  - ")}`;
    super(`${where}: ${must}, got${got}${problems.length === 1 ? "." : ""} ${next}`);
  }
}
