import { readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, it } from "vitest";
import { collate, type TokenBatch } from "../data/index.ts";
import { type OwlConfig, type ParameterDescription, tokensPerImage } from "../model/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import { elementCount, float32, type HostTensor } from "../tensor/index.ts";
import { estimateMemory } from "./memory.ts";
import type { NarrowWeight } from "./narrow-weights.ts";
import { languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { readerOf, recipe, config as tiny } from "./testing/small-run.ts";
import { createTrainer } from "./trainer.ts";

/** Small, and shaped so that weights, layers and logits all count. */
const config: OwlConfig = {
  ...tiny,
  vision: {
    ...tiny.vision,
    hidden: 256,
    heads: 4,
    intermediate: 1024,
    layers: 6,
    imageSize: 128,
    patchSize: 8,
  },
  abstractor: { ...tiny.abstractor, hidden: 256, heads: 4, intermediate: 704, layers: 2 },
  language: {
    ...tiny.language,
    hidden: 512,
    heads: 8,
    keyValueHeads: 8,
    headDim: 64,
    layers: 3,
    intermediate: 1376,
    vocabulary: 16384,
    maxPositions: 1024,
  } as OwlConfig["language"],
  numQueryTokens: 16,
};
const tokens = 512;

const cases: readonly [string, Partial<TrainingRecipe>, "float32" | "float16"][] = [
  ["stage 2 in one program", {}, "float32"],
  ["stage 2 layer by layer, beside weights in two bytes", { recompute: true }, "float16"],
  ["stage 1 layer by layer, beside weights in two bytes", { stage: "1", recompute: true }, "float16"],
];

function oneRow(): TokenBatch {
  const length = tokensPerImage(config);
  const ids = Array.from({ length: tokens + 1 }, (_, i) => 3 + (i % 8000));
  const row = {
    ids,
    spans: [{ kind: "image" as const, start: 1, length }],
    lossMask: ids.map((_, t) => t > length + 1),
    pixels: [new Float32Array(3 * 128 ** 2).fill(0.5)],
    name: "row",
  };
  return collate([row], { tokensPerImage: length, imageSize: 128, rounding: { maxTokens: tokens } });
}

/** Resident memory in bytes, now or at most so far. */
function memory(key: "VmRSS" | "VmHWM"): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return 1024 * Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** Weights of a model that is trained: frozen ones in single precision or in two bytes, where they are matrices. */
function weightsOf(
  parameters: readonly ParameterDescription[],
  storage: "float32" | "float16",
): { readonly weights: Map<string, HostTensor>; readonly narrow: Map<string, NarrowWeight> } {
  const [weights, narrow] = [new Map<string, HostTensor>(), new Map<string, NarrowWeight>()];
  for (const { name, dims, trained } of parameters) {
    const count = elementCount(dims);
    if (trained) continue;
    if (storage === "float32" || dims.length !== 2)
      weights.set(name, float32(new Float32Array(count).fill(0.01), dims));
    else narrow.set(name, { kind: "F16", dims, bits: new Uint16Array(count).fill(0x2000) });
  }
  return { weights, narrow };
}

describe.skipIf(process.platform !== "linux")("the estimate of a run's memory", () => {
  let device: Device;
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;

  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    // What the program itself takes is not among what is measured.
    const trainer = await createTrainer({ device, recipe, objective: languageObjective(tiny, recipe) });
    await trainer.update((await readerOf()(0)).batches);
    trainer.dispose();
  });

  /** Lets go of what is not used any more. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  // What a busy machine's collector and allocator have not given back yet is resident, too: the least of three trainings tells.
  it.each(cases)("is what is resident at most: %s", { retry: 2 }, async (_, changes, storage) => {
    const used: TrainingRecipe = { ...recipe, ...changes, batch: 1, maxTokens: tokens };
    const objective = languageObjective(config, used);
    await settle();
    const before = memory("VmRSS");
    const { weights, narrow } = weightsOf(objective.parameters, storage);
    const estimate = estimateMemory(config, objective.parameters, used, { imagesPerRow: 1, narrow });
    // What making the weights has left behind is no part of a training.
    await settle();
    // Forgets the peak so far.
    writeFileSync("/proc/self/clear_refs", "5");
    const trainer = await createTrainer({ device, objective, recipe: used, weights, narrow });
    // What one program takes is known after its second run, whose values no longer come in pieces.
    for (let step = 0; step < (used.recompute === true ? 1 : 2); step++) {
      // A busy machine collects garbage late.
      await settle();
      await trainer.update([oneRow()]);
    }
    trainer.dispose();
    const measured = memory("VmHWM") - before;
    const ratio = (estimate.total - estimate.runtime) / measured;
    expect(ratio, `${measured} bytes measured`).toBeGreaterThan(0.85);
    // Memory that an earlier training has left to the process is not measured when it is used again.
    expect(ratio, `${measured} bytes measured`).toBeLessThan(1.35);
  });
});
