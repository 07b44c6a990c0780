import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OwlConfig } from "../src/model/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { quantizationOf } from "../src/quantization/index.ts";
import { prepareRun } from "../src/recipes/index.ts";
import { configurations } from "./configurations.ts";
import { memory } from "./memory.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeQuantized, writeSynthetic } from "./synthetic.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const tokens = 512;

/** How the base model is stored and computed. */
const ways = {
  /** Four bits, layer by layer. */
  q4: { quantize: true, recompute: true },
  /** Two bytes a weight, layer by layer. */
  f16: { quantize: false, recompute: true },
  /** In single precision, in one program. */
  whole: { quantize: false, recompute: false },
} as const;
type Way = keyof typeof ways;

/** The published 7 B with so many layers, or another configuration as it is. */
function configOf(size: string, way: Way): OwlConfig {
  const quantization = ways[way].quantize ? quantizationOf({ quantize: "q4" }) : undefined;
  const config: OwlConfig =
    size in configurations
      ? configurations[size as keyof typeof configurations]
      : { ...configurations["7b"], language: { ...configurations["7b"].language, layers: Number(size) } };
  return { ...config, ...(quantization && { quantization }) };
}

/** Writes the base model, with owl-nano's tokenizer, unless it is there. */
async function baseModel(size: string, way: Way): Promise<string> {
  const directory = path(`../.cache/train-${ways[way].quantize ? "q4" : "f16"}-${size}`);
  mkdirSync(directory, { recursive: true });
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    copyFileSync(path(`../models/owl-nano/${file}`), join(directory, file));
  }
  const config = configOf(size, way);
  await (ways[way].quantize ? writeQuantized(directory, config) : writeSynthetic(directory, config));
  return directory;
}

/** Writes a recipe with one row: a picture, and an answer that fills all tokens. */
function writeRecipe(directory: string, model: string, way: Way, steps: number): string {
  const random = mulberry32(1);
  const words = Array.from({ length: 2 * tokens }, () => (random() < 0.5 ? "owl" : "red"));
  const text = `Human: <image>\nHuman: what is this?\nAI: ${words.join(" ")}`;
  const row = { image: [path("../examples/owl.png")], text };
  writeFileSync(join(directory, "rows.jsonl"), JSON.stringify(row));
  const recipe = join(directory, "recipe.yaml");
  writeFileSync(
    recipe,
    JSON.stringify({
      extends: "stage-2",
      model,
      output: "run",
      data: [{ file: "rows.jsonl" }],
      recompute: ways[way].recompute,
      steps,
      batch: 1,
      warmup: 0,
      saveEvery: steps,
      maxTokens: tokens,
    }),
  );
  return recipe;
}

/** Steps of a run from its recipe to its adapter; the first compiles programs and is left out. */
async function measure(size: string, way: Way, steps: number): Promise<Record<string, unknown>> {
  const model = await baseModel(size, way);
  const directory = mkdtempSync(join(tmpdir(), "train-q4-"));
  try {
    const began = performance.now();
    const run = await prepareRun(writeRecipe(directory, model, way, steps));
    const load_s = (performance.now() - began) / 1000;
    const ends = [performance.now()];
    let trained = memory();
    const onEvent = ({ kind }: { readonly kind: string }): void => {
      if (kind !== "step") return;
      ends.push(performance.now());
      trained = memory();
    };
    await run.start({ onEvent });
    const seconds = ends.slice(1).map((end, i) => (end - ends[i]) / 1000);
    return {
      bench: "train-q4",
      way,
      layers: configOf(size, way).language.layers,
      tokens,
      load_s,
      first_step_s: seconds[0],
      step_s: median(seconds.slice(1)),
      training_peak_bytes: 1e6 * trained.peak_mb,
      peak_bytes: 1e6 * memory().peak_mb,
      estimated_bytes: run.memory.total,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * `bench train-q4 [layers] [q4|f16|whole] [steps]`: a stage-2 step of the published 7 B with so many layers (32), of 512 tokens
 * with a picture, beside a base model in four bits: seconds and the largest resident memory.
 */
export async function trainQ4Bench([size = "32", way = "q4", steps = "3"]: readonly string[]): Promise<void> {
  const words = [path("train-q4.ts"), size, way, steps];
  // A process of its own, so that its memory can be measured.
  execFileSync(process.execPath, ["--import", "tsx", ...words], { stdio: "inherit" });
}

if (process.argv[1] === path("train-q4.ts")) {
  const [size, way, steps] = process.argv.slice(2);
  printLine(await measure(size, way as Way, Number(steps)));
}
