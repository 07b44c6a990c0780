/** A checkpoint file that is malformed, or tensors that do not fit; the message lists every problem found. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
  /** What was found, one entry a problem. */
  readonly problems: readonly string[];

  /** `where: must` on the first line, then the problems, then what to do. */
  constructor(where: string, must: string, problems: readonly string[], nextStep: string) {
    const list =
      problems.length === 1 ? ` ${problems[0]}.` : `\n${problems.map((p) => `  - ${p}`).join("\n")}\n`;
    super(
      `${where}: ${must}, got${problems.length === 1 ? "" : ` ${problems.length} problems:`}${list}${list.endsWith("\n") ? "" : " "}${nextStep}`,
    );
    this.problems = problems;
  }
}
