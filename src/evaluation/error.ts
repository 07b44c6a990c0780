/** Questions, answers or grades are not as they must be; the message names the file and all that is wrong in it. */
export class EvaluationError extends Error {
  override name = "EvaluationError";
}

/** A server answered that it will not do what it was asked for. */
export class RefusedError extends EvaluationError {
  override name = "RefusedError";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }

  /** Whether it refuses this very request, such as one that is too long, and may take another. */
  get isOfRequest(): boolean {
    return [400, 413, 422].includes(this.status);
  }
}

const MOST = 20;

/**
 * @param where the file, or what else the problems were found in
 * @throws EvaluationError that lists them, if there are any
 */
export function requireNoProblems(where: string, must: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const more = problems.length > MOST ? `; and ${problems.length - MOST} more` : "";
  throw new EvaluationError(`${where}: ${must}, got ${problems.slice(0, MOST).join("; ")}${more}`);
}
