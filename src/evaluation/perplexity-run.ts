import type { Owl } from "../owl/index.ts";
import type { BenchmarkResult } from "./benchmark-result.ts";
import { type BenchmarkRunOptions, sampleItems, writeResult } from "./benchmark-run.ts";
import { perplexityMeasure, readTextWindows, scoreWindow } from "./benchmarks/perplexity.ts";

export type PerplexityOptions = Omit<BenchmarkRunOptions, "instruction" | "batchSize"> & {
  /** Tokens that are looked at together, bos included. Default 512, and never more than the model takes. */
  readonly window?: number | undefined;
};

/**
 * The perplexity of a text file or of the texts of a jsonl file. Nothing is kept of a run that is stopped.
 *
 * @param name the model's, for the result
 * @param checkpoint from `checkpointDigest`
 */
export async function runPerplexity(
  owl: Owl,
  name: string,
  checkpoint: string,
  options: PerplexityOptions,
): Promise<BenchmarkResult> {
  const { window, data, signal, onProgress } = options;
  const windows = await readTextWindows(owl, data, window);
  const drawn = sampleItems(windows, options);
  const items: BenchmarkResult["items"] = [];
  for (const item of drawn) {
    signal?.throwIfAborted();
    onProgress?.(items.length, drawn.length);
    const { id, group, expected } = item;
    items.push({
      id,
      group,
      expected,
      questions: [],
      answers: [],
      finishReasons: [],
      score: await scoreWindow(owl, item),
    });
  }
  onProgress?.(items.length, drawn.length);
  const settings = { window: window ?? null };
  const identity = {
    benchmark: perplexityMeasure.name,
    system: name,
    checkpoint,
    settings,
    seed: null,
    instruction: "",
  };
  return writeResult(identity, windows.length, items, perplexityMeasure.figures, options);
}
