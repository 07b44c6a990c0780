import { beforeAll, describe, expect, test, vi } from "vitest";
import { type BatchSizes, collate, type TokenBatch } from "../data/index.ts";
import { type OwlConfig, spansOfPlaceholders } from "../model/index.ts";
import { randomParameters } from "../model/testing/micro.ts";
import { mulberry32 } from "../primitives/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { allocateFlatBuffers, layOut } from "./flat-buffer.ts";
import { languageObjective } from "./objective.ts";
import type { LoraRecipe, TrainingRecipe } from "./recipe.ts";
import { createStepPrograms } from "./step-programs.ts";
import { config, readerOf, recipe, tokensPerImage } from "./testing/small-run.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

/** Of float32's rounding, relative to the largest entry of a gradient. */
const tolerance = 1e-5;

/** A key's bias has no gradient but rounding noise. */
const isNoise = (name: string): boolean => name.endsWith("attention.key.bias");

const bloom: OwlConfig = {
  ...config,
  vision: { ...config.vision, layers: 3 },
  language: {
    family: "bloom",
    hidden: 8,
    layers: 3,
    heads: 2,
    keyValueHeads: 2,
    headDim: 4,
    intermediate: 32,
    vocabulary: 16,
    maxPositions: 64,
    tiedEmbeddings: true,
    bosId: 1,
    eosId: 2,
    padId: 0,
    epsilon: 1e-6,
    initializerRange: 0.1,
  },
};
const llama: OwlConfig = {
  ...config,
  vision: { ...config.vision, layers: 3 },
  language: { ...config.language, layers: 4 } as OwlConfig["language"],
};

const allLinear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const loraOn = (
  targets: readonly string[],
  dropout = 0,
  variants: Partial<LoraRecipe> = {},
): TrainingRecipe["lora"] => {
  return { rank: 2, alpha: 4, dropout, targets, ...variants };
};
const whole = { useDora: true, modulesToSave: ["lm_head"] };

const cases: readonly [string, OwlConfig, Partial<TrainingRecipe>][] = [
  ["stage 1 of a LLaMA", llama, { stage: "1" }],
  ["stage 1 of a BLOOM", bloom, { stage: "1" }],
  ["stage 2 with dropout", llama, { stage: "2", lora: loraOn(["q_proj", "v_proj"], 0.3) }],
  [
    "DoRA on every linear layer, with dropout, and the head",
    llama,
    { stage: "released", lora: loraOn(allLinear, 0.2, whole) },
  ],
  ["stage 2 of a BLOOM", bloom, { stage: "2", lora: loraOn(["query_key_value"], 0.3) }],
  ["the language model of a LLaMA", llama, { stage: "full" }],
  ["the language model of a BLOOM, whose table is its head", bloom, { stage: "full" }],
];

/** Rows of text as packing makes them: nothing but text, every token counts. */
function packedRows(): TokenBatch {
  const random = mulberry32(5);
  const rows = Array.from({ length: 3 }, (_, r) => {
    const ids = Array.from({ length: 17 }, () => 3 + Math.floor(random() * 13));
    return {
      ids,
      spans: spansOfPlaceholders(ids, tokensPerImage),
      lossMask: ids.map((_, t) => t > 0),
      pixels: [],
      name: `row ${r}`,
    };
  });
  return collate(rows, { tokensPerImage, imageSize: 4, rounding: { tokens: 4, losses: 4, maxTokens: 16 } });
}

let device: Device;
beforeAll(async () => {
  device = await openDevice({ threads: 1 });
});

async function trainerOf(
  model: OwlConfig,
  changed: Partial<TrainingRecipe>,
  recompute: boolean,
): Promise<Trainer<BatchSizes>> {
  const used: TrainingRecipe = { ...recipe, ...changed, recompute };
  const objective = languageObjective(model, used);
  const weights = new Map<string, HostTensor>(Object.entries(randomParameters(objective.parameters)));
  return createTrainer({ device, recipe: used, objective, weights });
}

/** Compares loss, gradients and evaluation of both ways. */
async function compare(
  model: OwlConfig,
  changed: Partial<TrainingRecipe>,
  batches: readonly TokenBatch[],
): Promise<void> {
  const [whole, layers] = [await trainerOf(model, changed, false), await trainerOf(model, changed, true)];
  const expected = await whole.gradients(batches);
  // A second time: buffers that steps share hold other values by then.
  await layers.gradients(batches);
  const got = await layers.gradients(batches);
  expect(Math.abs(got.loss - expected.loss)).toBeLessThan(tolerance * expected.loss);
  expect([...got.gradients.keys()]).toEqual([...expected.gradients.keys()]);
  for (const [name, { data }] of expected.gradients) {
    if (isNoise(name)) continue;
    const values = data as Float32Array;
    const others = got.gradients.get(name)!.data as Float32Array;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i])), 0);
    expect(worst / largest, name).toBeLessThan(tolerance);
  }
  const [one, other] = [(await whole.evaluate(batches)).loss, (await layers.evaluate(batches)).loss];
  expect(Math.abs(one - other)).toBeLessThan(tolerance * one);
  whole.dispose();
  layers.dispose();
}

test("layers that are alike share programs: more of them compile none more", async () => {
  const compile = vi.spyOn(device, "compile");
  const { batches } = await readerOf({ microBatch: 2 })(0);
  const counts: number[] = [];
  for (const layers of [3, 6]) {
    compile.mockClear();
    const model = { ...llama, language: { ...llama.language, layers } as OwlConfig["language"] };
    const trainer = await trainerOf(model, { stage: "2" }, true);
    await trainer.gradients(batches.slice(0, 1));
    counts.push(compile.mock.calls.length);
    trainer.dispose();
  }
  compile.mockRestore();
  expect(counts[1]).toBe(counts[0]);
  expect(counts[0]).toBeLessThan(15);
});

test("each gradient is told of once, when nothing changes it any more, and those of the last layers first", async () => {
  const objective = languageObjective(bloom, { ...recipe, stage: "full", recompute: true });
  const trained = objective.parameters.filter((parameter) => parameter.trained);
  const layout = layOut(
    trained.map((parameter) => ({ ...parameter, learningRateMultiplier: 1 })),
    2 ** 20,
  );
  const { buffers } = allocateFlatBuffers(layout, 1);
  const values = new Map<string, HostTensor>(Object.entries(randomParameters(objective.parameters)));
  const names = trained.map(({ name }) => name);
  const programs = createStepPrograms({ device, objective, values, trained: names, recompute: true });
  const numbersOf = (name: string): number[] => Array.from(buffers[0].tensor(name).data);
  const told: (readonly [string, number[]])[] = [];
  await programs.computeGradients(packedRows(), 1, {
    into: buffers[0],
    dropout: { rate: 0, seed: 1, step: 0, firstRow: 0 },
    onWritten: (written) => told.push(...written.map((name) => [name, numbersOf(name)] as const)),
  });
  programs.dispose();
  expect(told.map(([name]) => name).toSorted()).toEqual(names.toSorted());
  for (const [name, numbers] of told) expect(numbersOf(name), name).toEqual(numbers);
  const layers = told.flatMap(([name]) => /\.h\.(\d+)\./.exec(name)?.[1] ?? []).map(Number);
  expect(layers).toEqual(layers.toSorted((a, b) => b - a));
  expect(new Set(layers).size).toBe(3);
  // The table is read by the first and the last segment.
  expect(told.at(-1)?.[0]).toMatch(/word_embeddings/);
});

describe(`gradients layer by layer are those of one graph, within ${tolerance} of the largest entry`, () => {
  test.each(cases)("%s", async (_, model, changed) => {
    const { batches } = await readerOf({ microBatch: 2 })(0);
    await compare(model, changed, batches);
  });

  test("packed rows of the language stage", async () => {
    await compare(llama, { stage: "language" }, [packedRows()]);
  });
});
