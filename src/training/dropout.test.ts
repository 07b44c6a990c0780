import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import type { BatchSizes, Reader, TokenBatch } from "../data/index.ts";
import { describeParameters } from "../model/index.ts";
import { randomParameters } from "../model/testing/micro.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import {
  allocate,
  type Graph,
  type HostTensor,
  interpret,
  nodesOf,
  placeholdersOf,
  rootScope,
  showShape,
  type Tensor,
  type TensorLike,
} from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { randomStream } from "../tensor/testing/random.ts";
import { allocateMasks, type DropoutKey, sampleMasks } from "./dropout.ts";
import { languageObjective, scopeOptions } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { sourceOf } from "./state-exchange.ts";
import { config, readerOf, recipe } from "./testing/small-run.ts";
import { train } from "./train.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

const dropping = (dropout: number, targets = ["q_proj", "v_proj"]): TrainingRecipe => ({
  ...recipe,
  lora: { rank: 2, alpha: 4, dropout, targets },
});

describe("masks", () => {
  const place: DropoutKey = { rate: 0.3, seed: 1, step: 2, firstRow: 0 };

  function drawn(
    dims: readonly number[],
    changed: Partial<DropoutKey> = {},
    name = "dropout.a",
  ): Float32Array {
    const mask = allocate("float32", dims);
    sampleMasks(new Map([[name, mask]]), { ...place, ...changed });
    return mask.data;
  }

  const large = [1, 256, 256];
  const count = 256 * 256;

  /** Share of the places at which two masks, the second moved on, both drop; 0.09 where they are independent. */
  function bothDropped(a: Float32Array, b: Float32Array, moved = 0): number {
    let both = 0;
    for (let i = 0; i + moved < count; i++) if (a[i] === 0 && b[i + moved] === 0) both++;
    return both / (count - moved);
  }

  test.each([0.05, 0.3, 0.9])("drop a share of %d and scale what is kept", (rate) => {
    const mask = drawn(large, { rate });
    const zeros = mask.filter((value) => value === 0).length;
    const deviation = Math.sqrt((rate * (1 - rate)) / count);
    expect(Math.abs(zeros / count - rate)).toBeLessThan(4 * deviation);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
  });

  test("are the same in the same place, and independent of those of other layers, steps, seeds and rows", () => {
    const mask = drawn(large);
    expect(drawn(large).every((value, i) => value === mask[i])).toBe(true);
    const deviation = Math.sqrt((0.09 * 0.91) / count);
    const others = [
      drawn(large, {}, "dropout.b"),
      drawn(large, { step: 3 }),
      drawn(large, { seed: 2 }),
      drawn(large, { firstRow: 1 }),
    ];
    for (const other of others) expect(Math.abs(bothDropped(mask, other) - 0.09)).toBeLessThan(4 * deviation);
    // The neighbour in the same token, and the same number of the next token.
    for (const moved of [1, 2, 256]) {
      expect(Math.abs(bothDropped(mask, mask, moved) - 0.09)).toBeLessThan(4 * deviation);
    }
  });

  test("of a row depend on its place in the update, not on the micro-batch or the padding", () => {
    const whole = drawn([4, 6, 8]);
    expect(drawn([2, 6, 8], { firstRow: 2 })).toEqual(whole.slice(2 * 48));
    expect(drawn([1, 9, 8], { firstRow: 3 }).slice(0, 48)).toEqual(whole.slice(3 * 48));
  });
});

const sizes: BatchSizes = { rows: 2, tokens: 6, images: 1, losses: 5 };

/** A loss's graph, node by node: what it does to which earlier ones. */
function graphOf(used: TrainingRecipe, purpose: "training" | "evaluation"): string[] {
  const nodes = nodesOf([languageObjective(config, used).trace(sizes, purpose)]);
  const places = new Map(nodes.map((node, i) => [node, i]));
  return nodes.map(({ kind, attributes, inputs, outputs }) => {
    const operands = inputs.map(({ node, index }) => `${places.get(node)}.${index}`);
    const shapes = outputs.map(({ shape }) => showShape(shape));
    return `${kind} ${inspect(attributes, { depth: null })} of ${operands} is ${shapes}`;
  });
}

describe("the graph", () => {
  test("without dropout, and in evaluation, has no trace of it", () => {
    const plain = graphOf(dropping(0), "evaluation");
    expect(graphOf(dropping(0), "training")).toEqual(plain);
    expect(graphOf(dropping(0.05), "evaluation")).toEqual(plain);
    // A mask and a product for each of four layers.
    expect(graphOf(dropping(0.05), "training")).toHaveLength(plain.length + 8);
  });

  test("asks for a mask of each layer with a LoRA, in the shape of its input", () => {
    const loss = languageObjective(config, dropping(0.1, ["v_proj", "down_proj"])).trace(sizes, "training");
    const masks = allocateMasks(placeholdersOf({ name: "x", outputs: { loss } }).inputs);
    const layer = (name: string): string => `dropout.language_model.model.layers.${name}`;
    expect(new Map([...masks].map(([name, { dims }]) => [name, dims]))).toEqual(
      new Map([
        [layer("0.self_attn.v_proj"), [2, 6, 8]],
        [layer("0.mlp.down_proj"), [2, 6, 16]],
        [layer("1.self_attn.v_proj"), [2, 6, 8]],
        // The last layer goes on only with the positions that have a loss.
        [layer("1.mlp.down_proj"), [5, 16]],
      ]),
    );
  });
});

/** A training loss, values for all that it asks for, and its gradients. */
async function differentiated() {
  const used = dropping(0.4, ["q_proj", "v_proj", "down_proj"]);
  const { batches } = await readerOf({ batch: 2 })(0);
  const [{ sizes: real, feeds }] = batches;
  const loss = languageObjective(config, used).trace(real, "training");
  const { inputs, parameters } = placeholdersOf({ name: "x", outputs: { loss } });
  const masks = allocateMasks(inputs);
  sampleMasks(masks, { rate: 0.4, seed: 3, step: 0, firstRow: 0 });
  const weights = randomParameters(describeParameters(config, rootScope(scopeOptions(used))));
  const values: Record<string, HostTensor> = { ...feeds, ...Object.fromEntries(masks) };
  for (const name of parameters.keys()) values[name] = weights[name];
  const learned = [...parameters].filter(([name]) => /lora_|query_tokens|norm1/.test(name));
  const found = gradients(
    loss,
    learned.map(([, tensor]) => tensor),
  );
  return { loss, values, learned, found };
}

test("gradients under a fixed mask: interpreter, finite differences, ONNX Runtime", async () => {
  const { loss, values, learned, found } = await differentiated();
  const derived = interpret(found, values);
  const random = randomStream("direction");
  const way = derived.map(({ data }) => data.map(() => 2 * random() - 1));
  const lossAt = (step: number): number => {
    const moved = learned.map(([name], i): [string, TensorLike] => {
      const { dims } = values[name];
      const data = Float64Array.from(values[name].data as Float32Array);
      return [name, { dims, data: data.map((value, j) => value + step * way[i][j]) }];
    });
    return interpret([loss], { ...values, ...Object.fromEntries(moved) })[0].data[0];
  };
  const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
  const expected = derived.reduce(
    (sum, { data }, i) => sum + data.reduce((part, value, j) => part + value * way[i][j], 0),
    0,
  );
  expect(Math.abs(expected)).toBeGreaterThan(0.01);
  expect(Math.abs(slope - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));

  const device = await openDevice({ threads: 1 });
  const outputs: Record<string, Tensor> = Object.fromEntries(
    found.map((tensor, i) => [`gradient ${i}`, tensor]),
  );
  const graph: Graph = { name: "gradients", outputs };
  const program = await device.compile(graph);
  const { inputs, parameters } = placeholdersOf(graph);
  const feeds = [...inputs.keys(), ...parameters.keys()].map((name) => [name, values[name]]);
  const results = await program.run(Object.fromEntries(feeds));
  for (const [i, [name]] of learned.entries()) requireClose(name, results[`gradient ${i}`], derived[i], 1e-5);
  program.dispose();
});

test("what a mask drops reaches neither the loss nor the LoRA", async () => {
  const { values, learned, found } = await differentiated();
  const layer = "language_model.model.layers.0.self_attn.q_proj";
  const dims = values[`dropout.${layer}`].dims;
  const nothing = { ...values, [`dropout.${layer}`]: allocate("float32", dims) };
  const gradientOf = (name: string, feeds: Record<string, TensorLike>): number => {
    const at = learned.findIndex(([known]) => known === `${layer}.${name}.weight`);
    return interpret([found[at]], feeds)[0].data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  };
  for (const name of ["lora_A", "lora_B"]) {
    expect(gradientOf(name, values)).toBeGreaterThan(0);
    expect(gradientOf(name, nothing)).toBe(0);
  }
});

describe("training", () => {
  let device: Device;
  let directory: string;
  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    directory = await mkdtemp(join(tmpdir(), "owl-dropout-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const used = dropping(0.3);
  const newTrainer = (
    from: TrainingRecipe = used,
    weights?: ReadonlyMap<string, HostTensor>,
  ): Promise<Trainer<BatchSizes>> =>
    createTrainer({
      device,
      recipe: from,
      objective: languageObjective(config, from),
      ...(weights && { weights }),
    });
  const valuesOf = ({ values }: Trainer<BatchSizes>): Map<string, number[]> =>
    new Map([...values].map(([name, { data }]) => [name, Array.from(data as Float32Array)]));

  test("that stopped in the middle goes on bit for bit", async () => {
    const whole = await newTrainer();
    await train({ trainer: whole, recipe: used, reader: readerOf() });

    const stop = new AbortController();
    const run = { recipe: used, reader: readerOf(), directory };
    const first = await newTrainer();
    await train({
      ...run,
      trainer: first,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === "step" && event.step === 3) stop.abort();
      },
    });
    expect(first.step).toBe(3);
    const second = await newTrainer();
    await train({ ...run, trainer: second, resume: true });
    expect(second.step).toBe(6);
    expect(valuesOf(second)).toEqual(valuesOf(whole));
    expect(Object.fromEntries(second.optimizerState())).toEqual(Object.fromEntries(whole.optimizerState()));
  });

  test("drops in updates, never in evaluation", async () => {
    // Both LoRA matrices must be there to be heard: B begins at zero.
    const weights = new Map(Object.entries(randomParameters(languageObjective(config, used).parameters)));
    const [trainer, without] = [await newTrainer(used, weights), await newTrainer(dropping(0), weights)];
    const { batches } = await readerOf()(0);
    const { loss: evaluated } = await trainer.evaluate(batches);
    expect((await without.evaluate(batches)).loss).toBe(evaluated);
    expect((await without.gradients(batches)).loss).toBeCloseTo(evaluated, 5);
    const { loss } = await trainer.gradients(batches);
    expect(Math.abs(loss - evaluated)).toBeGreaterThan(1e-4);
    expect((await trainer.gradients(batches)).loss).toBe(loss);
    // The same weights a step later: other masks.
    await trainer.restore(1, sourceOf(new Map(trainer.values)), sourceOf(trainer.optimizerState()));
    expect(Math.abs((await trainer.gradients(batches)).loss - loss)).toBeGreaterThan(1e-4);
    expect((await trainer.evaluate(batches)).loss).toBe(evaluated);
  });

  test("adds up micro-batches to the gradients of one batch, masks included", async () => {
    const weights = new Map(Object.entries(randomParameters(languageObjective(config, used).parameters)));
    const trainer = await newTrainer(used, weights);
    const expected = await trainer.gradients((await readerOf()(0)).batches);
    const copies = new Map(
      [...expected.gradients].map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
    const parts = await trainer.gradients((await readerOf({ microBatch: 1 })(0)).batches);
    expect(parts.loss).toBeCloseTo(expected.loss, 5);
    for (const [name, { data }] of parts.gradients) {
      const other = copies.get(name)!;
      for (const [i, value] of (data as Float32Array).entries()) {
        expect(Math.abs(value - other[i]), name).toBeLessThan(1e-5 * Math.max(1, Math.abs(other[i])));
      }
    }
  });

  test("learns", async () => {
    const long = { ...used, steps: 40, evaluateEvery: 20 };
    const trainer = await newTrainer(long);
    const reader: Reader<TokenBatch> = async () => readerOf()(0);
    const { batches } = await reader(0);
    const { loss: before } = await trainer.evaluate(batches);
    await train({ trainer, recipe: long, reader });
    expect((await trainer.evaluate(batches)).loss).toBeLessThan(before - 0.1);
  });
});
