import { describe, expect, test } from "vitest";
import { adapterFrom, mergeLora, readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { releasedLora, type Stage, stageScope, traceForward } from "../../src/model/index.ts";
import type { HostTensor } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import {
  batchFeeds,
  gradientDifference,
  largestDifference,
  lossAndGradients,
  type Model,
  numbersOf,
  readBatch,
  readModel,
  runGraph,
  type Values,
} from "./run-model.ts";

const folder = "golden/tiny-train";
const GRADIENT = 5e-4;

const golden = (file: string): Promise<StateDict> => readSafetensors(shared(`${folder}/${file}.safetensors`));

/** PEFT's names without its prefix. */
const published = (tensors: StateDict): Values =>
  Object.fromEntries([...tensors].map(([name, value]) => [name.replace("base_model.model.", ""), value]));

/** Row numbers `indices` of [rows, width]. */
function rowsOf(tensor: HostTensor, indices: readonly number[]): HostTensor {
  const width = tensor.dims[1];
  const values = tensor.data as Float32Array;
  const data = indices.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
  return { dtype: "float32", dims: [indices.length, width], data: Float32Array.from(data) };
}

/** Chosen columns of [batch, tokens, vocabulary]. */
function columnsOf(logits: HostTensor, columns: readonly number[]): HostTensor {
  const [batch, tokens, vocabulary] = logits.dims;
  const data = Float32Array.from({ length: batch * tokens * columns.length }, (_, i) =>
    Number(logits.data[Math.floor(i / columns.length) * vocabulary + columns[i % columns.length]]),
  );
  return { dtype: "float32", dims: [batch, tokens, columns.length], data };
}

describe.skipIf(!sharedAvailable)("gradients and LoRA against the original code", async () => {
  const base: Model = sharedAvailable
    ? await readModel(shared("golden/tiny-image"))
    : { config: {} as Model["config"], weights: {} };
  const tensors: StateDict = sharedAvailable ? await golden("batch") : new Map();
  const batch = sharedAvailable ? readBatch(tensors) : { rows: [], counts: [], images: 0, pixels: {} };

  async function withLora(): Promise<Model> {
    const lora = published(await golden("stage2-lora-init"));
    return { config: base.config, weights: { ...base.weights, ...lora } };
  }

  let fullRun: ReturnType<typeof lossAndGradients> | undefined;
  const full = (): ReturnType<typeof lossAndGradients> => {
    fullRun ??= lossAndGradients(base, batch, "full");
    return fullRun;
  };

  const cases: [Stage, string, number][] = [
    ["1", "stage1-grads", 13.6410409],
    ["2", "stage2-grads", 14.5765315],
    ["released", "stage2-released-grads", 14.5765314],
  ];
  test.each(cases)("stage %s: the gradient of every trained tensor", async (stage, file, loss) => {
    const got = await lossAndGradients(await withLora(), batch, stage);
    const expected = published(await golden(file));
    expect(got.loss).toBeCloseTo(loss, 4);
    expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) {
      expect(gradientDifference(got.gradients[name], value), name).toBeLessThan(GRADIENT);
    }
  });

  test("full: the gradient of the whole language model, the two big tables by their stored rows", async () => {
    const { loss, gradients } = await full();
    const expected = await golden("full-grads");
    expect(loss).toBeCloseTo(13.6410427, 4);
    const tables = ["language_model.model.embed_tokens.weight", "language_model.lm_head.weight"];
    for (const [name, gradient] of Object.entries(gradients)) {
      if (tables.includes(name)) continue;
      expect(gradientDifference(gradient, expected.get(name)!), name).toBeLessThan(GRADIENT);
    }
    for (const name of tables) {
      const rows = numbersOf(expected.get(`${name}.row_index`)!);
      const stored = expected.get(`${name}.rows`)!;
      expect(gradientDifference(rowsOf(gradients[name], rows), stored), name).toBeLessThan(GRADIENT);
    }
  });

  test("full: rows of the embedding table that the batch does not use have no gradient", async () => {
    const { gradients } = await full();
    const table = gradients["language_model.model.embed_tokens.weight"];
    const width = table.dims[1];
    const used = numbersOf(
      (await golden("full-grads")).get("language_model.model.embed_tokens.weight.row_index")!,
    );
    const nonZero = new Set<number>();
    for (const [i, value] of table.data.entries()) if (value !== 0) nonZero.add(Math.floor(i / width));
    expect([...nonZero]).toEqual(used);
  });

  test("full: sums and norms over the whole head", async () => {
    const { gradients } = await full();
    const name = "language_model.lm_head.weight";
    const expected = await golden("full-grads");
    const values = gradients[name].data as Float32Array;
    const [rows, width] = gradients[name].dims;
    const sums = new Array<number>(width).fill(0);
    for (const [i, value] of values.entries()) sums[i % width] += value;
    // A softmax's gradient adds up to zero over the vocabulary, so the stored sums are rounding alone.
    const stored = numbersOf(expected.get(`${name}.column_sums`)!);
    for (const [i, sum] of sums.entries()) expect(Math.abs(sum - stored[i])).toBeLessThan(2e-5);
    const norms = Float32Array.from({ length: rows / 16 }, (_, i) =>
      Math.hypot(...values.subarray(16 * i * width, (16 * i + 1) * width)),
    );
    const every16 = expected.get(`${name}.row_norms_every_16`)!;
    const got: HostTensor = { dtype: "float32", dims: every16.dims, data: norms };
    expect(gradientDifference(got, every16)).toBeLessThan(GRADIENT);
  });

  test("a trained LoRA beside its weights and merged into them: logits, hidden states, loss", async () => {
    const expected = await golden("stage2-merged-logits");
    const final = await golden("stage2-final");
    const { config } = base;
    const adapter = adapterFrom(final, undefined);
    const mergedWeights = Object.fromEntries(mergeLora(new Map(Object.entries(base.weights)), adapter));
    const sizes = { batch: 2, tokens: batch.rows[0].length, images: batch.images };
    const wanted = ["hidden", "logits", "loss"] as const;
    const feeds = batchFeeds(batch, config);
    const unmerged = await runGraph(
      traceForward(config, sizes, wanted, stageScope("2", releasedLora(config.language))),
      {
        ...base.weights,
        ...published(final),
        ...feeds,
      },
    );
    const merged = await runGraph(traceForward(config, sizes, wanted), { ...mergedWeights, ...feeds });
    const columns = numbersOf(expected.get("logits_cols_index")!);
    for (const [way, got] of Object.entries({ unmerged, merged })) {
      const of = (what: string): HostTensor => expected.get(`${way}.${what}`)!;
      expect(largestDifference(got.hidden, of("hidden"))).toBeLessThan(1e-4);
      expect(Math.abs(numbersOf(got.loss)[0] - numbersOf(of("loss"))[0])).toBeLessThan(1e-4);
      expect(largestDifference(columnsOf(got.logits, columns), of("logits_cols"))).toBeLessThan(5e-4);
    }
    for (const [name, value] of expected) {
      if (!name.startsWith("merged_weight.")) continue;
      const weight = mergedWeights[name.replace("merged_weight.", "")];
      expect(largestDifference(weight, value), name).toBeLessThan(1e-6);
    }
  });
});
