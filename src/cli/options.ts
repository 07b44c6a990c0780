import { InvalidArgumentError, Option } from "commander";
import { type Stage, stages } from "../model/index.ts";
import { pathKind } from "../platform/index.ts";
import { UsageError } from "./failure.ts";

/** What `--device` offers. */
export type DeviceName = "cpu" | "webgpu" | "cuda";

export const deviceOption = (): Option =>
  new Option("--device <device>", "where the model runs").choices(["cpu", "webgpu", "cuda"]).default("cpu");

export const threadsOption = (): Option =>
  new Option("--threads <count>", "threads of the CPU kernels (default: one for each processor)").argParser(
    countOption,
  );

export const stageOption = (description: string): Option =>
  new Option("--stage <stage>", description).choices(Object.keys(stages));

/** A stage that {@link stageOption} has let through. */
export type StageName = Stage;

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

/** Fails unless a model directory is there, with a text that says what one is. */
export async function requireModel(directory: string, otherwise: string): Promise<void> {
  const kind = await pathKind(directory);
  if (kind === "directory") return;
  throw new UsageError(
    `${directory}: must be a model directory (config.json, model.safetensors, tokenizer.json), got ${kind === "file" ? "a file" : "no such directory"}; ${otherwise}`,
  );
}
