import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { type BatchSizes, SkippedRows, type TokenBatch } from "../data/index.ts";
import { randomParameters } from "../model/testing/micro.ts";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { openDevice } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import {
  alone,
  createTrainer,
  languageObjective,
  type NarrowWeights,
  type Trainer,
  type TrainingEvent,
  type TrainingRecipe,
  widened,
} from "../training/index.ts";
import { type BaseModel, loadBaseModel } from "./base-model.ts";
import { heldOutBatches } from "./batches.ts";
import { exampleSources, openDataFiles } from "./data-files.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { prepareRun } from "./run.ts";

let directory: string;
let fixture: Awaited<ReturnType<typeof owlFixture>>;
const write = async (name: string, text: string): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-quantized-base-"));
  fixture = await owlFixture();
  for (const quantize of ["q4", "q8", "f16"] as const) {
    await convertCheckpoint(fixture.directory, join(directory, quantize), { quantize, blockSize: 32 });
  }
  await convertCheckpoint(fixture.directory, join(directory, "rows"), {
    quantize: "q8",
    blockSize: "row",
  });
  const picture = fileURLToPath(new URL("../../examples/owl.png", import.meta.url));
  const rows = [
    { image: [picture], text: "Human: <image>\nHuman: what is this?\nAI: an owl" },
    { text: "Human: hi\nAI: hello" },
  ];
  await write("rows.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  fixture.remove();
});

const recipeOf = (model: string, changes = "", output = `run-${model}`): Promise<string> =>
  write(
    `${model}.yaml`,
    `${changes.includes("extends") ? "" : "extends: stage-2"}
model: ${model}
output: ${output}
data: [{ file: rows.jsonl }]
evaluation: [{ file: rows.jsonl }]
steps: ${model === "f16" ? 2 : 3}
batch: 2
warmup: 0
maxTokens: 64
learningRate: 0.01
schedule: constant
${changes}`,
  );

const allLinear = "[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]";
const onAll = `lora: { rank: 4, alpha: 8, dropout: 0.1, targets: ${allLinear} }`;

const dora = "lora: { rank: 2, alpha: 4, targets: all-linear, useDora: true, modulesToSave: [lm_head] }";

/** A base model, a recipe for it, and the rows of both as batches. */
async function prepared(
  model: string,
  changes = "",
): Promise<{ base: BaseModel; recipe: TrainingRecipe; batches: readonly TokenBatch[] }> {
  const plan = await readRecipeFile(await recipeOf(model, changes));
  const base = await loadBaseModel(plan);
  const files = await openDataFiles(plan, base, "evaluation", {});
  const options = { skipped: new SkippedRows(0), communicator: alone };
  const rows = await heldOutBatches(plan, base, exampleSources(files), options);
  const batches: TokenBatch[] = [];
  for await (const batch of rows.batches()) batches.push(batch);
  return { base, recipe: plan.recipe, batches };
}

/** The base model in single precision. */
const wide = ({ tensors, narrow }: BaseModel): Map<string, HostTensor> =>
  new Map([...tensors, ...[...narrow].map(([name, weight]) => [name, widened(weight)] as const)]);

/** The gradients of a trainer whose LoRA is not at its start, where half of it would have none. */
async function gradientsOf(
  { base, recipe, batches }: Awaited<ReturnType<typeof prepared>>,
  weights: ReadonlyMap<string, HostTensor>,
  { recompute, narrow = new Map() }: { recompute: boolean; narrow?: NarrowWeights },
): Promise<Awaited<ReturnType<Trainer<BatchSizes>["gradients"]>>> {
  const used = { ...recipe, recompute };
  const objective = languageObjective(base.config, used);
  const lora = Object.entries(randomParameters(objective.parameters)).filter(([name]) =>
    name.includes(".lora_"),
  );
  const device = await openDevice({ threads: 1 });
  const all = new Map([...weights, ...lora]);
  const trainer = await createTrainer({ device, recipe: used, objective, weights: all, narrow });
  const { loss, gradients } = await trainer.gradients(batches);
  trainer.dispose();
  return { loss, gradients };
}

/** Of single precision's rounding in two orders of computation, relative to the largest entry of a gradient. */
const tolerance = 5e-5;

const numbersOf = ({ data }: HostTensor): Float32Array => data as Float32Array;

describe.each([
  ["q4", `stage: released\n${onAll}`],
  ["q8", ""],
  ["rows", ""],
  ["f16", "recompute: true"],
])("gradients beside a base model in %s", (model, changes) => {
  test("are bit for bit those of the same weights in single precision, and of one graph within rounding", async () => {
    const given = await prepared(model, changes);
    const { base } = given;
    expect(base.narrow.size).toBeGreaterThan(10);
    const layer = "language_model.model.layers.0.self_attn.q_proj.weight";
    expect(base.narrow.get(layer)!.kind).toBe(model === "f16" ? "F16" : "blocks");
    expect(base.narrow.get("vision_model.encoder.layers.0.mlp.fc1.weight")!.kind).toBe(
      model === "f16" ? "F16" : "blocks",
    );
    const got = await gradientsOf(given, base.tensors, { recompute: true, narrow: base.narrow });
    const same = await gradientsOf(given, wide(base), { recompute: true });
    const whole = await gradientsOf(given, wide(base), { recompute: false });
    expect(got.loss).toBe(same.loss);
    expect(Math.abs(got.loss - whole.loss)).toBeLessThan(1e-5 * whole.loss);
    for (const [name, gradient] of whole.gradients) {
      const values = numbersOf(got.gradients.get(name)!);
      expect(
        Buffer.compare(Buffer.from(values), Buffer.from(numbersOf(same.gradients.get(name)!))),
        name,
      ).toBe(0);
      if (name.endsWith("attention.key.bias")) continue;
      const expected = numbersOf(gradient);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i])), 0);
      expect(worst / largest, name).toBeLessThan(tolerance);
    }
  });
});

describe("a run beside a base model in four bits", () => {
  test("trains, goes on, writes an adapter alone, and is asked with it", async () => {
    const asking =
      "samples: [{ question: how are you? }]\nbenchmarks: [{ benchmark: perplexity, data: text.txt }]";
    await write("text.txt", "cats eat fish.");
    const path = await recipeOf("q4", `${onAll}\n${asking}`);
    const run = await prepareRun(path);
    expect(run.plan.recipe.recompute).toBe(true);
    expect(run.isQuantized).toBe(true);
    const losses: number[] = [];
    const said: string[] = [];
    const scores: number[] = [];
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "evaluation") losses.push(event.loss);
      if (event.kind === "samples") said.push(event.answers[0].answer);
      if (event.kind === "benchmark") scores.push(event.figures.perplexity.estimate);
    };
    const stop = new AbortController();
    const stopping = (event: TrainingEvent): void => {
      if (event.kind === "step" && event.step === 1) stop.abort();
      else onEvent(event);
    };
    const device = { threads: 1 };
    expect(await run.start({ device, signal: stop.signal, onEvent: stopping })).toMatchObject({ step: 1 });
    const output = join(directory, "run-q4");
    const unfinished = await Owl.load(output, { threads: 1 });
    expect(unfinished.progress).toEqual({ step: 1, steps: 3 });
    await unfinished.close();

    const again = await prepareRun(path);
    expect(await again.start({ device, resume: true, onEvent })).toEqual({ step: 3, complete: true });
    expect(existsSync(join(output, "model"))).toBe(false);
    // The run's directory, and its adapter beside the base model, are the same model.
    const [one, other] = [
      await Owl.load(output, { threads: 1 }),
      await Owl.load(join(directory, "q4"), { threads: 1, adapter: join(output, "adapter") }),
    ];
    const ids = [[1, 40, 41, 42, 43]];
    const [a, b] = [await one.forward({ ids }), await other.forward({ ids })];
    expect(numbersOf(a.logits)).toEqual(numbersOf(b.logits));
    const base = await Owl.load(join(directory, "q4"), { threads: 1 });
    expect(numbersOf((await base.forward({ ids })).logits)).not.toEqual(numbersOf(a.logits));
    // What it answered before the first step and after the last one is what the base and the result answer.
    const answer = (owl: Owl): Promise<string> => owl.chat("how are you?", { maxNewTokens: 64 }).text();
    expect(said).toEqual([await answer(base), await answer(one)]);
    expect(scores).toHaveLength(2);
    expect(scores[1]).not.toBe(scores[0]);
    for (const owl of [one, other, base]) await owl.close();
    expect(losses).toHaveLength(1);
  });

  test("is refused where the weights themselves would learn, or the model be computed as a whole", async () => {
    const full = await recipeOf("q4", "extends: full", "elsewhere");
    await expect(prepareRun(full)).rejects.toThrow(
      /stage full needs a base model in floating point, got the one of .*q4 in few bits; train a LoRA/,
    );
    const whole = await recipeOf("q4", "recompute: false", "elsewhere");
    await expect(prepareRun(whole)).rejects.toThrow(/recompute: must be true with a base model in few bits/);
    const lengths = await recipeOf("q4", dora, "elsewhere");
    await expect(prepareRun(lengths)).rejects.toThrow(/lora\.useDora needs a base model in floating point/);
  });
});

test("a run with frozen weights in two bytes goes on with them in four, and writes the whole model", async () => {
  const asked = await recipeOf("f16", "recompute: true\nsamples: [{ question: hi }]", "elsewhere");
  await expect(prepareRun(asked)).rejects.toThrow(/samples: need weights that programs can answer with/);
  const run = await prepareRun(await recipeOf("f16", `recompute: true\nsaveEvery: 2\n${dora}`));
  const stop = new AbortController();
  const device = { threads: 1 };
  const onEvent = (event: TrainingEvent): void => {
    if (event.kind === "step") stop.abort();
  };
  expect(await run.start({ device, signal: stop.signal, onEvent })).toMatchObject({ step: 1 });
  const other = await prepareRun(await recipeOf("f16", `recompute: false\nsaveEvery: 2\n${dora}`));
  expect(await other.start({ device, resume: true })).toEqual({ step: 2, complete: true });
  const owl = await Owl.load(join(directory, "run-f16"), { threads: 1 });
  const logits = numbersOf((await owl.forward({ ids: [[1, 2, 3]] })).logits);
  expect(logits.every(Number.isFinite)).toBe(true);
  await owl.close();
  // The DoRA and the head beside the base model are the same model; few bits have no place for it.
  const adapter = join(directory, "run-f16", "adapter");
  const beside = await Owl.load(join(directory, "f16"), { threads: 1, adapter });
  const others = numbersOf((await beside.forward({ ids: [[1, 2, 3]] })).logits);
  for (const [i, value] of others.entries()) expect(value).toBeCloseTo(logits[i], 4);
  await beside.close();
  await expect(Owl.load(join(directory, "q4"), { threads: 1, adapter })).rejects.toThrow(
    /must be a LoRA without lengths of its own beside a quantised model/,
  );
});
