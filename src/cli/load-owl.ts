import { Option } from "commander";
import { type KvCacheDtype, kvCacheDtypes } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import type { ExecutionProvider } from "../platform/index.ts";
import { countOption, requireAdapter } from "./options.ts";

export const adapterOption = (): Option => new Option("--adapter <path>", "a LoRA adapter in PEFT's layout");

export const framesOption = (): Option =>
  new Option("--frames <count>", "frames sampled from a video (4 if absent)").argParser(countOption);

export const kvCacheOption = (): Option =>
  new Option("--kv-cache-dtype <dtype>", "how keys and values are kept; int8 takes a quarter of the memory")
    .choices(kvCacheDtypes)
    .default("float32" satisfies KvCacheDtype);

export const activationsOption = (): Option =>
  new Option(
    "--activations <dtype>",
    "how products with weights of 4 or 8 bits take activations (as the model says if absent); float32 is exact and slow",
  ).choices(["int8", "float32"]);

/** The options of loading a model. */
export interface LoadingOptions {
  readonly device: ExecutionProvider;
  readonly threads?: number;
  readonly adapter?: string | undefined;
  readonly frames?: number;
  readonly kvCacheDtype?: KvCacheDtype;
  readonly activations?: "int8" | "float32";
}

/** Prints a warning on standard error, apart from answers. */
export function printWarning(warning: string): void {
  process.stderr.write(`warning: ${warning}\n`);
}

/** Loads the model of a directory with these options; the caller closes it. */
export async function loadOwl(
  directory: string,
  { device, threads, adapter, frames, kvCacheDtype, activations }: LoadingOptions,
): Promise<Owl> {
  const found = await requireAdapter(adapter);
  const owl = await Owl.load(directory, {
    device,
    threads,
    adapter: found,
    framesPerVideo: frames,
    kvCacheDtype,
    activations,
    onWarning: printWarning,
  });
  if (owl.progress !== undefined) {
    const { step, steps } = owl.progress;
    process.stderr.write(`(${directory}: the checkpoint of step ${step} of ${steps} answers)\n`);
  }
  return owl;
}
