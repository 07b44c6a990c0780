import { collate, type TokenBatch, type TokenRow } from "../src/data/index.ts";
import { type OwlConfig, type Stage, spansOfPlaceholders } from "../src/model/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { createTrainer, languageObjective, type TrainingRecipe } from "../src/training/index.ts";
import { configurations } from "./configurations.ts";
import { median } from "./statistics.ts";

/** A measured training step. */
export interface StepTime {
  readonly config: string;
  readonly stage: number;
  /** Median over the runs: forward, backward, clipping, AdamW. */
  readonly step_ms: number;
}

/** What a step computes. */
export interface StepShape {
  readonly rows: number;
  /** Of a row. */
  readonly tokens: number;
}

export const usualShape: StepShape = { rows: 8, tokens: 96 };

const stageNames: Readonly<Record<number, Stage>> = { 0: "language", 1: "1", 2: "2" };

/** The recipe of a measured step. */
export function recipeOf(stage: number, { rows, tokens }: StepShape = usualShape): TrainingRecipe {
  return {
    name: `bench ${stage}`,
    stage: stageNames[stage],
    steps: 1000,
    batch: rows,
    maxTokens: tokens,
    learningRate: 1e-4,
    schedule: "constant",
    warmup: 0,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
    lora: { rank: 8, alpha: 32, dropout: 0, targets: ["q_proj", "v_proj"] },
    seed: 1,
  };
}

/**
 * The batch of the PyTorch program: random ids, a picture from position 4 on, a loss on what follows it (on all tokens in stage 0).
 *
 * @param shape with fewer rows for a micro-batch
 */
export function benchBatch(config: OwlConfig, stage: number, shape: StepShape = usualShape): TokenBatch {
  const { tokens } = shape;
  const random = mulberry32(7);
  const perImage = config.numQueryTokens + 1;
  const side = config.vision.imageSize;
  const firstCounted = stage === 0 ? 1 : 5 + config.numQueryTokens;
  const rows = Array.from({ length: shape.rows }, (_, r): TokenRow => {
    const isPicture = (t: number): boolean => stage > 0 && t >= 4 && t < 4 + perImage;
    // One more than the graph's tokens: the last one is only a target.
    const ids = Array.from({ length: tokens + 1 }, (_, t) =>
      isPicture(t) ? -1 : 3 + Math.floor(random() * (config.language.vocabulary - 3)),
    );
    const pixels = Float32Array.from({ length: stage > 0 ? 3 * side * side : 0 }, () => random() * 2 - 1);
    return {
      ids,
      spans: spansOfPlaceholders(ids, perImage),
      lossMask: ids.map((_, t) => t >= firstCounted && t < tokens),
      pixels: stage > 0 ? [pixels] : [],
      name: `row ${r}`,
    };
  });
  const rounding = { tokens: 1, losses: 1, maxTokens: tokens };
  return collate(rows, { tokensPerImage: perImage, imageSize: side, rounding });
}

export interface StepOptions {
  readonly runs?: number;
  readonly tuned?: boolean;
  readonly shape?: StepShape;
}

/** Median milliseconds of a whole step; `tuned`: with threads that wait by looping, as PyTorch's do. */
export async function measureStep(
  name: keyof typeof configurations,
  stage: number,
  { runs = 7, tuned = true, shape = usualShape }: StepOptions = {},
): Promise<StepTime> {
  const config = configurations[name];
  const device = await openDevice(tuned ? { spinning: true } : {});
  const recipe = recipeOf(stage, shape);
  const trainer = await createTrainer({ device, recipe, objective: languageObjective(config, recipe) });
  const rows = benchBatch(config, stage, shape);
  const times: number[] = [];
  for (let run = 0; run < runs + 2; run++) {
    const began = performance.now();
    await trainer.update([rows]);
    times.push(performance.now() - began);
  }
  trainer.dispose();
  return { config: name, stage, step_ms: median(times.slice(2)) };
}
