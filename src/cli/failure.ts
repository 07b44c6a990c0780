import { CommanderError } from "commander";

/** A mistake in the command line. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Ctrl-C ended the work; the message says what is left and how to go on. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
}

/** An error that was already printed. */
export class ReportedError extends Error {
  override name = "ReportedError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Exit codes: 0 done · 1 failed (the text says why) · 2 wrong usage · 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) return 2;
  if (error instanceof InterruptedError) return 130;
  if (error instanceof ReportedError) return error.exitCode;
  return 1;
}

/** Prints an error's message; its stack only with OWL_DEBUG=1. */
export function reportFailure(error: unknown): void {
  // Commander has printed its own message already.
  if (error instanceof CommanderError || error instanceof ReportedError) return;
  const wantsStack = process.env.OWL_DEBUG !== undefined && error instanceof Error;
  process.stderr.write(`owl: ${wantsStack ? error.stack : messageOf(error)}\n`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
