import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors, type StateDict } from "../checkpoint/index.ts";
import { type BatchSizes, collate, type TokenBatch } from "../data/index.ts";
import { type OwlConfig, parseConfig, type Stage, spansOfPlaceholders } from "../model/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

const folder = "golden/tiny-train";

interface Logged {
  readonly loss: number;
  readonly grad_norm: number;
}

interface Report {
  readonly log_f64: readonly Logged[];
}

const shape = {
  steps: 10,
  batch: 2,
  maxTokens: 96,
  learningRate: 1e-3,
  schedule: "cosine",
  warmup: 2,
  maxGradNorm: 1,
  seed: 1,
} as const;

const recipes: Readonly<Record<"stage1" | "stage2", TrainingRecipe>> = {
  stage1: { ...shape, name: "stage 1", stage: "1", betas: [0.9, 0.98], epsilon: 1e-6, weightDecay: 0.1 },
  stage2: {
    ...shape,
    name: "stage 2",
    stage: "2",
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: 1e-4,
    lora: { rank: 8, alpha: 32, dropout: 0, targets: ["q_proj", "v_proj"] },
  },
};

/** A key's bias has no gradient but rounding noise, which AdamW turns into steps of up to the learning rate. */
const isNoise = (name: string): boolean => /attention\.key\.bias$|query_key_value\.bias$/.test(name);

const peftPrefix = "base_model.model.";

function published(tensors: StateDict): StateDict {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name.startsWith(peftPrefix) ? name.slice(peftPrefix.length) : name,
      tensor,
    ]),
  );
}

function worst(got: HostTensor, expected: HostTensor): number {
  const [a, b] = [got.data as Float32Array, expected.data as Float32Array];
  expect(a.length).toBe(b.length);
  let difference = 0;
  for (let i = 0; i < b.length; i++) difference = Math.max(difference, Math.abs(a[i] - b[i]));
  return difference;
}

function largest(tensor: HostTensor): number {
  return (tensor.data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** The fixture's batch: sample 0 is text, sample 1 has one picture; a token counts where all three masks say so. */
async function goldenBatch(config: OwlConfig): Promise<TokenBatch> {
  const file = await readSafetensors(shared(`${folder}/batch.safetensors`));
  const numbers = (name: string): number[] => Array.from(file.get(name)!.data, Number);
  const ids = numbers("input_ids");
  const masks = ["non_padding_mask", "non_media_mask", "prompt_mask"].map(numbers);
  const pixels = file.get("pixel_values")!.data as Float32Array;
  const rows = [0, 1].map((r) => ({
    ids: ids.slice(97 * r, 97 * (r + 1)),
    spans: spansOfPlaceholders(ids.slice(97 * r, 97 * (r + 1)), config.numQueryTokens + 1),
    lossMask: Array.from(
      { length: 97 },
      (_, t) => t > 0 && masks.every((mask) => mask[96 * r + t - 1] === 1),
    ),
    pixels: r === 0 ? [] : [pixels],
    name: `row ${r}`,
  }));
  return collate(rows, { tokensPerImage: config.numQueryTokens + 1, imageSize: config.vision.imageSize });
}

describe.skipIf(!sharedAvailable)("training against the reference", () => {
  let device: Device;
  let config: OwlConfig;
  let weights: StateDict;
  let batch: TokenBatch;
  let lora: StateDict;

  beforeAll(async () => {
    device = await openDevice();
    config = parseConfig(JSON.parse(readFileSync(shared("golden/tiny-image/config.json"), "utf8")));
    weights = await readSafetensors(shared("golden/tiny-image/model.safetensors"));
    lora = published(await readSafetensors(shared(`${folder}/stage2-lora-init.safetensors`)));
    batch = await goldenBatch(config);
  });

  function newTrainer(recipe: TrainingRecipe): Promise<Trainer<BatchSizes>> {
    const objective = languageObjective(config, recipe);
    return createTrainer({ device, objective, recipe, weights: new Map([...weights, ...lora]) });
  }

  for (const stage of ["stage1", "stage2"] as const) {
    it(`makes the reference's five AdamW steps in ${stage}`, async () => {
      const report: Record<string, Report> = JSON.parse(
        readFileSync(shared(`${folder}/report.json`), "utf8"),
      );
      const trainer = await newTrainer(recipes[stage]);
      for (const { loss, grad_norm } of report[stage].log_f64) {
        const result = await trainer.update([batch]);
        expect(Math.abs(result.loss - loss)).toBeLessThan(1e-3);
        expect(Math.abs(result.gradientNorm / grad_norm - 1)).toBeLessThan(1e-3);
      }
      const final = published(await readSafetensors(shared(`${folder}/${stage}-final.safetensors`)));
      expect([...trainer.trained].sort()).toEqual([...final.keys()].sort());
      for (const [name, expected] of final) {
        const difference = worst(trainer.values.get(name)!, expected);
        expect(difference, name).toBeLessThan(isNoise(name) ? 3.4e-3 : 1e-4);
      }
      trainer.dispose();
    });
  }

  const gradientCases: [string, Stage][] = [
    ["stage1", "1"],
    ["stage2", "2"],
    ["stage2-released", "released"],
    ["full", "full"],
  ];
  for (const [file, stage] of gradientCases) {
    it(`has the reference's gradients in ${file}`, async () => {
      const trainer = await newTrainer({ ...recipes.stage2, stage });
      const { gradients } = await trainer.gradients([batch]);
      const golden = published(await readSafetensors(shared(`${folder}/${file}-grads.safetensors`)));
      let compared = 0;
      for (const [name, expected] of golden) {
        const got = gradients.get(name);
        if (got === undefined) continue;
        compared++;
        const scale = Math.max(1e-3, largest(expected));
        expect(worst(got, expected) / scale, name).toBeLessThan(5e-4);
      }
      expect(compared).toBeGreaterThan(10);
      trainer.dispose();
    });
  }
});
