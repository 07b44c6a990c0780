import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { openCheckpoint, readAll, type StateDict, saveCheckpoint } from "../checkpoint/index.ts";
import { type Media, mediaFromPixels, type Prompt } from "../inference/index.ts";
import { parseConfig, quantizedPart } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { xoshiro128 } from "../primitives/index.ts";
import {
  type ConversionSettings,
  convertCheckpoint,
  dequantizeRows,
  rowsAsBlocks,
} from "../quantization/index.ts";
import { unpackRows } from "../quantization/testing/unpack-rows.ts";
import { float32, type HostTensor, isRowFormat } from "../tensor/index.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quantized-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** The floating-point model that a quantised one computes with. */
async function dequantized(from: string, to: string): Promise<void> {
  const { config: json, weights } = await openCheckpoint(from);
  const { quantization, ...config } = json as Record<string, unknown>;
  const formats = parseConfig(json).quantization!;
  const stored = await readAll(weights);
  const tensors: StateDict = new Map();
  for (const [name, tensor] of stored) {
    const base = name.replace(/\.(packed|scales|zero_points|sums)$/, "");
    if (base === name) tensors.set(name, tensor);
    if (!name.endsWith(".packed")) continue;
    const format = formats[quantizedPart(base)]!;
    const scales = stored.get(`${base}.scales`)!;
    if (isRowFormat(format)) {
      const [width, rows] = tensor.dims;
      const numbers = rowsAsBlocks(tensor.data as Int8Array, scales.data as Float32Array);
      tensors.set(base, float32(dequantizeRows(numbers, width), [rows, width]));
      continue;
    }
    const [rows, blocks] = scales.dims;
    const parts = {
      packed: tensor.data as Uint8Array,
      scales: scales.data as Float32Array,
      zeroPoints: (stored.get(`${base}.zero_points`)?.data ?? new Uint8Array()) as Uint8Array,
    };
    // Blocks that were not full are cut to the width that the model asks for.
    const whole = unpackRows(parts, blocks * format.blockSize, format);
    const width = widths.get(base)!;
    const values = Array.from({ length: rows }, (_, row) =>
      whole.subarray(row * blocks * format.blockSize, row * blocks * format.blockSize + width),
    );
    const data = new Float32Array(rows * width);
    for (const [row, part] of values.entries()) data.set(part, row * width);
    tensors.set(base, float32(data, [rows, width]));
  }
  await saveCheckpoint(to, { config, tensors });
}

/** Widths of the weights of the model that was converted last. */
const widths = new Map<string, number>();

interface Made {
  readonly quantized: Owl;
  /** The same with activations left as they are. */
  readonly exact: Owl;
  /** The same weights in floating point. */
  readonly reference: Owl;
}

/** A checkpoint converted, beside what it must compute. */
async function make(source: string, name: string, settings: ConversionSettings): Promise<Made> {
  const { weights } = await openCheckpoint(source);
  for (const { name: weight, dims } of weights.tensors) widths.set(weight, dims[1] ?? 1);
  await weights.close();
  const paths = ["quantized", "exact", "reference"].map((kind) => join(directory, `${name}-${kind}`));
  await convertCheckpoint(source, paths[0], { blockSize: 32, ...settings });
  await cp(paths[0], paths[1], { recursive: true });
  const config = JSON.parse(await readFile(join(paths[1], "config.json"), "utf8"));
  for (const format of Object.values<Record<string, unknown>>(config.quantization)) {
    format.activations = "float32";
  }
  await writeFile(join(paths[1], "config.json"), JSON.stringify(config));
  await dequantized(paths[1], paths[2]);
  const [quantized, exact, reference] = await Promise.all(
    paths.map((path) => Owl.load(path, { threads: 1 })),
  );
  return { quantized, exact, reference };
}

function deviation(got: HostTensor, expected: HostTensor): number {
  const [a, b] = [got.data as Float32Array, expected.data as Float32Array];
  const squares = (of: (i: number) => number): number => a.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  return Math.sqrt(squares((i) => a[i] - b[i]) / squares((i) => b[i]));
}

async function noise(seed: number): Promise<Media> {
  const random = xoshiro128(seed);
  return mediaFromPixels(Float32Array.from({ length: 3 * 56 * 56 }, () => 2 * random() - 1));
}

const source = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
const plainAdapter = fileURLToPath(new URL("../../tests/fixtures/model/lora.safetensors", import.meta.url));
const slots = new Array<number>(9).fill(-1);
const greedy = { maxNewTokens: 12, eosTokenIds: [], doSample: false } as const;

const settingsOf = {
  q4: { quantize: "q4" },
  q8: { quantize: "q8" },
  "q8 of one scale a row": { quantize: "q8", blockSize: "row" },
  "q4 with a vision encoder of one scale a row": { quantize: "q4", visionBlockSize: "row" },
} as const;

describe.each(Object.entries(settingsOf))("a model in %s", (title, settings) => {
  let made: Made;
  let prompts: Prompt[];
  beforeAll(async () => {
    made = await make(source, title, settings);
    prompts = [
      { ids: [1, 40, 50, ...slots, 60, 61], pictures: [await noise(1)] },
      { ids: [1, 70, 71, 72, 73, 74, 75], pictures: [] },
      { ids: [1, ...slots, 80, ...slots, 81], pictures: [await noise(2), await noise(3)] },
    ];
  });
  afterAll(async () => {
    for (const owl of Object.values(made)) await owl.close();
  });

  test("computes what its weights say, and with rounded activations something near", async () => {
    const picture = prompts[0].pictures[0];
    const pixels = float32(picture.pixels, [1, 3, 56, 56]);
    const inputs = { ids: [[...prompts[0].ids]], pixels };
    const expected = await made.reference.forward(inputs);
    const exact = await made.exact.forward(inputs);
    const rounded = await made.quantized.forward(inputs);
    for (const key of ["visualTokens", "hiddenState", "logits"] as const) {
      expect(deviation(exact[key]!, expected[key]!), key).toBeLessThan(1e-4);
      expect(deviation(rounded[key]!, expected[key]!), key).toBeLessThan(0.06);
    }
  });

  test("answers with the reference's tokens: greedy, beams, batches, further turns", async () => {
    const { exact, reference } = made;
    for (const settings of [greedy, { ...greedy, numBeams: 3 }]) {
      for (const prompt of prompts) {
        const { ids } = await exact.generate(prompt, settings);
        expect(ids).toEqual((await reference.generate(prompt, settings)).ids);
      }
    }
    const together = await exact.generateBatch(prompts, greedy);
    for (const [i, prompt] of prompts.entries()) {
      const { ids } = await exact.generate(prompt, greedy);
      expect(together[i].ids).toEqual(ids);
      const next = { ids: [...prompt.ids, ...ids, 90, 91], pictures: prompt.pictures };
      const turn = await exact.generate(next, greedy);
      expect(turn.ids).toEqual((await reference.generate(next, greedy)).ids);
    }
  });

  test("answers with rounded activations, the same one by one and in a batch of one length", async () => {
    const { quantized } = made;
    const [first] = await quantized.generateBatch([prompts[1]], greedy);
    expect(first.ids).toHaveLength(12);
    expect((await quantized.generate(prompts[1], greedy)).ids).toEqual(first.ids);
  });

  test("gives no gradients of its weights", async () => {
    const inputs = { ids: [[1, 2, 3]], counted: [[false, true, true]] };
    await expect(made.quantized.gradients(inputs, "language")).rejects.toThrow(
      "the weights must be in floating point",
    );
  });

  test("computes an adapter beside its weights, as the reference does with the adapter merged", async () => {
    const [exact, reference] = await Promise.all(
      ["exact", "reference"].map((kind) =>
        Owl.load(join(directory, `${title}-${kind}`), { adapter: plainAdapter, threads: 1 }),
      ),
    );
    const inputs = { ids: [[...prompts[1].ids]] };
    const expected = await reference.forward(inputs);
    expect(deviation((await exact.forward(inputs)).logits, expected.logits)).toBeLessThan(1e-4);
    expect(deviation((await made.reference.forward(inputs)).logits, expected.logits)).toBeGreaterThan(1e-3);
    const answers = [exact, reference].map((owl) => owl.generate(prompts[1], greedy));
    const [one, other] = await Promise.all(answers);
    expect(one.ids).toEqual(other.ids);
    for (const owl of [exact, reference]) await owl.close();
  });
});

describe.skipIf(!sharedAvailable)("the reference's tiny model in few bits", () => {
  // BLOOM's table is its head, too.
  const models = ["tiny-image", "tiny-bloom", "tiny-ureader"];
  const formats = { "4 bits": { quantize: "q4" }, rows: { quantize: "q8", blockSize: "row" } } as const;
  const cases = models.flatMap((name) =>
    (["4 bits", "rows"] as const).map((format) => [name, format] as const),
  );
  test.each(cases)("%s in %s: what its weights say, within rounding", async (name, format) => {
    const { exact, quantized, reference } = await make(
      shared(`golden/${name}`),
      `${name}-${format}`,
      formats[format],
    );
    const inputs = { ids: [[1, 300, 400, 500, 60, 70, 80, 90]] };
    const expected = await reference.forward(inputs);
    const got = await exact.forward(inputs);
    expect(deviation(got.logits, expected.logits)).toBeLessThan(1e-4);
    const rounded = await quantized.forward(inputs);
    expect(deviation(rounded.logits, expected.logits)).toBeLessThan(0.06);
    const prompt = { ids: inputs.ids[0], pictures: [] };
    const settings = { ...greedy, maxNewTokens: 6 };
    expect((await exact.generate(prompt, settings)).ids).toEqual(
      (await reference.generate(prompt, settings)).ids,
    );
    for (const owl of [exact, quantized, reference]) await owl.close();
  });
});
