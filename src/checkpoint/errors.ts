/** Most problems that a message lists: a model of the wrong kind has hundreds. */
const MAX_SHOWN = 24;

/** A checkpoint file that is malformed, or tensors that do not fit; the message lists every problem found. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
  /** Every problem that was found. */
  readonly problems: readonly string[];

  /** `where: must` on the first line, then the problems (of many the first ones), then what to do. */
  constructor(where: string, must: string, problems: readonly string[], nextStep: string) {
    const shown = problems.slice(0, MAX_SHOWN);
    if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
    const list =
      problems.length === 1 ? ` ${problems[0]}.` : `\n${shown.map((p) => `  - ${p}`).join("\n")}\n`;
    super(
      `${where}: ${must}, got${problems.length === 1 ? "" : ` ${problems.length} problems:`}${list}${list.endsWith("\n") ? "" : " "}${nextStep}`,
    );
    this.problems = problems;
  }
}
