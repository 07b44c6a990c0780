import { InvalidArgumentError, Option } from "commander";
import { openRun } from "../checkpoint/index.ts";
import { adapterPath, HubError, modelDirectory } from "../hub/index.ts";
import { executionProviderNames } from "../platform/index.ts";
import { UsageError } from "./failure.ts";

export const deviceOption = (): Option =>
  new Option("--device <device>", "where the model runs").choices(executionProviderNames).default("cpu");

export const threadsOption = (): Option =>
  new Option("--threads <count>", "threads of the CPU kernels (default: one for each processor)").argParser(
    countOption,
  );

/** A number on the command line. */
export function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** A whole number of at least one. */
export function countOption(text: string): number {
  const value = numberOption(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return value;
}

/** A whole number, or 0. */
export function sizeOption(text: string): number {
  return text.trim() === "0" ? 0 : countOption(text);
}

/** A port to listen on. */
export function portOption(text: string): number {
  const value = numberOption(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError("It must be a port, 0 for any free one.");
  }
  return value;
}

/**
 * The directory of a model's name (see `modelDirectory`); every command that takes a model resolves it here.
 *
 * @param otherwise an alternative that the error suggests
 * @param ofUnfinished what to use of an unfinished run if its checkpoint is not needed: its base model, or the directory with
 *   the settings and tokenizer of the model in training. Absent: the run itself, whose checkpoint only answering can use
 * @throws UsageError that says what a model can be, and how to get one
 */
export function requireModel(
  model: string,
  otherwise?: string,
  ofUnfinished?: "base" | "settings",
): Promise<string> {
  return orUsageError(async () => {
    const directory = await modelDirectory(model);
    const run = await openRun(directory);
    if (typeof run === "string") return run;
    return run === undefined || ofUnfinished === undefined ? directory : run[ofUnfinished];
  }, otherwise);
}

/** As {@link requireModel} for an adapter, which may also be a file. */
export async function requireAdapter<Path extends string | undefined>(adapter: Path): Promise<string | Path> {
  return adapter === undefined ? adapter : orUsageError(() => adapterPath(adapter));
}

async function orUsageError<T>(action: () => Promise<T>, otherwise?: string): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new UsageError(otherwise === undefined ? error.message : `${error.message}; ${otherwise}`);
  }
}
