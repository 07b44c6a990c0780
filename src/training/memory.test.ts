import { readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, it } from "vitest";
import { type BatchSizes, collate, type TokenBatch } from "../data/index.ts";
import { type OwlConfig, type ParameterDescription, tokensPerImage } from "../model/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import { elementCount, float32, type HostTensor } from "../tensor/index.ts";
import { estimateMemory, type MemoryEstimate } from "./memory.ts";
import type { NarrowWeight } from "./narrow-weights.ts";
import { languageObjective, type Objective } from "./objective.ts";
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
    layers: 4,
    intermediate: 1376,
    vocabulary: 8192,
    maxPositions: 1024,
  } as OwlConfig["language"],
  numQueryTokens: 16,
};
const tokens = 512;

const cases: readonly [string, Partial<TrainingRecipe>, "float32" | "float16"][] = [
  ["stage 2 in one program", {}, "float32"],
  ["stage 2 layer by layer", { recompute: true }, "float32"],
  ["stage 2 layer by layer, beside weights in two bytes", { recompute: true }, "float16"],
  ["stage 1 in one program", { stage: "1" }, "float32"],
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

const numbersFor = ({ dims }: ParameterDescription): HostTensor =>
  float32(
    Float32Array.from({ length: elementCount(dims) }, (_, i) => ((i % 13) - 6) / 200),
    dims,
  );
const halvesFor = ({ dims }: ParameterDescription): NarrowWeight => {
  const bits = new Uint16Array(elementCount(dims)).map((_, i) => 0x2000 + (i % 64));
  return { kind: "F16", dims, bits };
};

/** Makes the weights of a model and trains two steps; what was estimated, and how much memory it took at most. */
async function train(
  device: Device,
  objective: Objective<BatchSizes>,
  used: TrainingRecipe,
  storage: "float32" | "float16",
): Promise<void> {
  const [weights, narrow] = [new Map<string, HostTensor>(), new Map<string, NarrowWeight>()];
  for (const parameter of objective.parameters) {
    const { name, trained, dims } = parameter;
    if (trained) continue;
    if (storage === "float16" && dims.length === 2) narrow.set(name, halvesFor(parameter));
    else weights.set(name, numbersFor(parameter));
  }
  const trainer = await createTrainer({ device, objective, recipe: used, weights, narrow });
  for (let step = 0; step < 2; step++) await trainer.update([oneRow()]);
  trainer.dispose();
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

  it.each(cases)("is what is resident at most: %s", async (_, changes, storage) => {
    const used: TrainingRecipe = { ...recipe, ...changes, batch: 1, maxTokens: tokens };
    const objective = languageObjective(config, used);
    const frozen = objective.parameters.filter(({ trained, dims }) => !trained && dims.length === 2);
    const narrow =
      storage === "float16" ? new Map(frozen.map((one) => [one.name, halvesFor(one)])) : undefined;
    const estimate: MemoryEstimate = estimateMemory(config, objective.parameters, used, {
      imagesPerRow: 1,
      ...(narrow && { narrow }),
    });
    narrow?.clear();
    collectGarbage();
    // Forgets the peak so far.
    writeFileSync("/proc/self/clear_refs", "5");
    const before = memory("VmRSS");
    await train(device, objective, used, storage);
    const measured = memory("VmHWM") - before;
    const ratio = (estimate.total - estimate.runtime) / measured;
    expect(ratio, `${measured} bytes measured`).toBeGreaterThan(0.85);
    expect(ratio, `${measured} bytes measured`).toBeLessThan(1.25);
  });
});
