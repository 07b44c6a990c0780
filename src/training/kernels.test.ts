import { afterEach, describe, expect, it } from "vitest";
import { startThreadPool, type ThreadPool } from "../platform/index.ts";
import { allocateFlatBuffers, chunksOf, layOut, type TrainedTensor } from "./flat-buffer.ts";
import { accumulateGradients } from "./gradient-accumulation.ts";
import { kernels } from "./kernels.ts";
import { optimizerOf } from "./optimizers/index.ts";
import { ownedChunks } from "./shards.ts";
import { createWeightUpdate } from "./weight-update.ts";

const tensors: readonly TrainedTensor[] = [
  { name: "a.weight", dims: [6, 8], role: "weight", learningRateMultiplier: 1 },
  { name: "a.bias", dims: [8], role: "bias", learningRateMultiplier: 1 },
  { name: "b.weight", dims: [3, 5], role: "weight", learningRateMultiplier: 0.5 },
  { name: "c.weight", dims: [8, 4], role: "weight", learningRateMultiplier: 1 },
];
const recipe = { name: "test", weightDecay: 0.1, maxGradNorm: 0.5 };
const adamw = optimizerOf({ ...recipe, betas: [0.9, 0.999], epsilon: 1e-8 });

/** Flat buffers with five numbers for every element, the same whatever their segments are. */
function filled(segment: number) {
  const layout = layOut(tensors, segment);
  const { buffers, memories } = allocateFlatBuffers(layout, 5);
  for (const [i, buffer] of buffers.entries()) {
    for (const [t, { data }] of [...buffer.tensors().values()].entries()) {
      for (let k = 0; k < data.length; k++) data[k] = (i === 3 ? 1 : Math.sin(3 * i + 7 * t + k)) / (1 + k);
    }
  }
  const [weights, gradients, first, second, part] = buffers;
  return { layout, memories, buffers: { weights, gradients, first, second }, part };
}

function adamwUpdate(
  threads: ThreadPool,
  { layout, buffers }: Pick<ReturnType<typeof filled>, "layout" | "buffers">,
  settings: Parameters<typeof createWeightUpdate>[2] = recipe,
) {
  const { weights, gradients, first, second } = buffers;
  const chunks = ownedChunks(layout, 1);
  const memory = { threads, chunks, weights, gradients, optimizerState: [first, second] };
  return createWeightUpdate(memory, adamw, settings);
}

const numbersOf = ({ layout, buffers }: ReturnType<typeof filled>): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(buffers).flatMap(([name, buffer]) =>
      [...layout.views.keys()].map((parameter) => [
        `${name} ${parameter}`,
        [...buffer.tensor(parameter).data],
      ]),
    ),
  );

describe("kernels", () => {
  let threads: ThreadPool | undefined;

  afterEach(() => threads?.dispose());

  it("update weights and AdamW's state to the last bit as single precision says", async () => {
    const { layout, memories, buffers } = filled(2 ** 20);
    const before = new Map(
      Object.entries(buffers).map(([name, buffer]) => [name, buffer.tensor("a.weight")]),
    );
    const old = (name: string, k: number): number => before.get(name)!.data[k];
    const f = Math.fround;
    const norm = Math.sqrt(
      [...buffers.gradients.tensors().values()].reduce(
        (sum, { data }) => sum + [...(data as Float32Array)].reduce((part, x) => part + x * x, 0),
        0,
      ),
    );
    const scale = 0.5 / (norm + 1e-6);
    const [step, rate] = [3, 1e-3];
    const corrected = rate / (1 - 0.9 ** step);
    const expected = Array.from({ length: 48 }, (_, k) => {
      const gradient = old("gradients", k);
      const first = f(f(old("first", k) * f(0.9)) + f(gradient * f((1 - 0.9) * scale)));
      const share = f((1 - 0.999) * scale * scale);
      const second = f(f(old("second", k) * f(0.999)) + f(f(gradient * gradient) * share));
      const correction = f(1 / (Math.sqrt(1 - 0.999 ** step) * corrected));
      const below = f(f(f(Math.sqrt(second)) * correction) + f(1e-8 / corrected));
      return [f(f(old("weights", k) * f(1 - rate * 0.1)) - f(first / below)), first, second];
    });
    threads = startThreadPool(kernels, memories, 2);
    expect(await adamwUpdate(threads, { layout, buffers }).update(step, rate)).toBeCloseTo(norm, 12);
    const after = ["weights", "first", "second"].map((name) => [...before.get(name)!.data]);
    expect(after[0].map((_, k) => after.map((numbers) => numbers[k]))).toEqual(expected);
  });

  it("change nothing where the gradients' norm is not finite", async () => {
    const all = filled(2 ** 20);
    all.buffers.gradients.tensor("c.weight").data[31] = Number.POSITIVE_INFINITY;
    const before = numbersOf(all);
    threads = startThreadPool(kernels, all.memories, 2);
    expect(await adamwUpdate(threads, all).update(1, 1e-3)).toBe(Number.POSITIVE_INFINITY);
    expect(numbersOf(all)).toEqual(before);
  });

  it("give the same bits however many memories and threads there are", async () => {
    const results = [];
    for (const [segment, count] of [
      [2 ** 20, 1],
      [2 ** 20, 3],
      [48, 2],
      [64, 2],
    ]) {
      const all = filled(segment);
      threads?.dispose();
      threads = startThreadPool(kernels, all.memories, count);
      await accumulateGradients(threads, ownedChunks(all.layout, 1), all.buffers.gradients, all.part);
      await adamwUpdate(threads, all, { weightDecay: 0.1 }).update(1, 1e-3);
      results.push(numbersOf(all));
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });
});

describe("a layout in segments", () => {
  it("has no tensor and no parameter group in two of them, and every tensor in one group of its kind", () => {
    for (const segment of [48, 64, 80, 112, 2 ** 20]) {
      const { views, groups } = layOut(tensors, segment);
      const isWhole = (start: number, end: number) =>
        Math.floor(start / segment) === Math.floor((end - 1) / segment);
      for (const { start, end } of groups) expect(isWhole(start, end)).toBe(true);
      for (const { name, dims, learningRateMultiplier } of tensors) {
        const { start } = views.get(name)!;
        const end = start + dims.reduce((product, size) => product * size);
        const own = groups.filter((group) => group.start <= start && end <= group.end);
        expect(own).toEqual([
          expect.objectContaining({ learningRateMultiplier, decayed: dims.length === 2 }),
        ]);
      }
    }
  });

  it("refuses a tensor that is larger than one", () => {
    expect(() => layOut(tensors, 32)).toThrow("a.weight must have at most 32 elements to be updated, got 48");
  });

  it("is worked through in chunks", () => {
    const group = { start: 2 ** 20, end: 2 ** 20 + 2 ** 18 + 32, decayed: true, learningRateMultiplier: 1 };
    const layout = { length: 2 ** 21, segmentLength: 2 ** 20, views: new Map(), groups: [group] };
    expect(chunksOf(group, layout)).toEqual([
      { memory: 1, start: 2 ** 20, bytes: 2 ** 20 },
      { memory: 1, start: 2 ** 20 + 2 ** 18, bytes: 128 },
    ]);
  });
});
