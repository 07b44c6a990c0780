import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  entriesByName,
  openCheckpoint,
  openValidated,
  readAll,
  saveCheckpoint,
} from "../checkpoint/index.ts";
import { describeParameters, parseConfig, publishedModel } from "../model/index.ts";
import type { QuantizedFormat } from "../tensor/index.ts";
import { type ConversionOptions, convertCheckpoint } from "./index.ts";
import { unpackRows } from "./testing/unpack-rows.ts";

const source = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
const query = "language_model.model.layers.0.self_attn.q_proj.weight";

let directory: string;
let made = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "convert-"));
});
afterAll(() => rm(directory, { recursive: true }));

const fresh = (): string => join(directory, `model-${made++}`);

async function converted(options: ConversionOptions): Promise<string> {
  const output = fresh();
  await convertCheckpoint(source, output, options);
  return output;
}

/** Names, types and shapes of a converted model, proven to be what its config.json asks for. */
async function contentOf(output: string) {
  const { config, weights } = await openCheckpoint(output);
  const parsed = parseConfig(config, output);
  const entries = entriesByName(weights);
  const expected = describeParameters(parsed);
  expect([...entries.keys()].sort()).toEqual(expected.map(({ name }) => name).sort());
  for (const { name, dims, dtype } of expected) {
    expect([...entries.get(name)!.dims], name).toEqual(dims);
    const { type } = entries.get(name)!;
    const bytes = type === "U8" ? "uint8" : type === "I8" ? "int8" : "float32";
    expect(bytes, name).toBe(dtype);
  }
  return { config: parsed, entries, tensors: await readAll(weights) };
}

/** The hash of every file of a directory. */
async function hashes(output: string): Promise<Record<string, string>> {
  const names = (await readdir(output)).sort();
  const all = names.map(async (name) => {
    const bytes = await readFile(join(output, name));
    return [name, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

test("q4: the language model in 4 bits, the rest in 8, norms as they are", async () => {
  const { entries, tensors, config } = await contentOf(await converted({ quantize: "q4", blockSize: 32 }));
  expect(config.quantization?.language).toEqual({
    bits: 4,
    blockSize: 32,
    zeroPoints: true,
    activations: "int8",
  });
  expect(entries.get(`${query}.packed`)?.type).toBe("U8");
  expect(entries.get("language_model.model.norm.weight")?.type).toBe("F32");
  expect(entries.has("vision_model.encoder.layers.0.mlp.fc1.weight.scales")).toBe(true);
  const given = await readAll((await openCheckpoint(source)).weights);
  const part = (suffix: string) => tensors.get(`${query}.${suffix}`)!.data;
  const width = given.get(query)!.dims[1];
  const kept = unpackRows(
    {
      packed: part("packed") as Uint8Array,
      scales: part("scales") as Float32Array,
      zeroPoints: part("zero_points") as Uint8Array,
    },
    width,
    config.quantization!.language as QuantizedFormat,
  );
  const values = given.get(query)!.data as Float32Array;
  const squares = (of: (i: number) => number): number => values.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  expect(Math.sqrt(squares((i) => kept[i] - values[i]) / squares((i) => values[i]))).toBeLessThan(0.1);
});

test.each([
  [{ quantize: "q8", vision: "f32" }, `${query}.packed`, "U8", "F32"],
  [{ quantize: "q4", vision: "f16" }, `${query}.packed`, "U8", "F16"],
  [{ quantize: "f16" }, query, "F16", "F16"],
  [{ quantize: "f16", vision: "f32" }, query, "F16", "F32"],
] as const)("%o", async (options, name, language, vision) => {
  const { entries } = await contentOf(await converted(options));
  expect(entries.get(name)?.type).toBe(language);
  expect(entries.get("vision_model.encoder.layers.0.mlp.fc1.weight")?.type).toBe(vision);
});

const whole = { bits: 8, blockSize: "row", activations: "int8" } as const;

test.each([
  ["vision encoder and abstractor", { quantize: "q8", visionBlockSize: "row" }, ["vision"]],
  ["every part", { quantize: "q8", blockSize: "row" }, ["language", "head", "embeddings", "vision"]],
  [
    "the language model",
    { quantize: "q8", blockSize: "row", vision: "f32" },
    ["language", "head", "embeddings"],
  ],
] as const)("row: %s as signed bytes of one scale a row", async (_, options, parts) => {
  const { entries, config } = await contentOf(await converted(options));
  const { quantization = {} } = config;
  expect(Object.entries(quantization).filter(([, format]) => format.blockSize === "row")).toEqual(
    parts.map((part) => [part, whole]),
  );
  const isLanguage = parts.length > 1;
  for (const name of [query, "language_model.lm_head.weight", "language_model.model.embed_tokens.weight"]) {
    expect(entries.get(`${name}.packed`)?.type, name).toBe(isLanguage ? "I8" : "U8");
    expect(entries.has(`${name}.sums`), name).toBe(isLanguage);
  }
});

test("rows of the weight are columns of signed bytes, their sums beside them", async () => {
  const { entries, tensors } = await contentOf(await converted({ quantize: "q8", visionBlockSize: "row" }));
  const name = "vision_model.encoder.layers.0.mlp.fc1.weight";
  const given = (await readAll((await openCheckpoint(source)).weights)).get(name)!;
  const [rows, width] = given.dims;
  expect(entries.get(`${name}.packed`)).toMatchObject({ type: "I8", dims: [width, rows] });
  const packed = tensors.get(`${name}.packed`)!.data as Int8Array;
  const scales = tensors.get(`${name}.scales`)!.data as Float32Array;
  const sums = tensors.get(`${name}.sums`)!.data as Float32Array;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++) {
      const q = packed[column * rows + row];
      sum += q;
      const kept = q * scales[row];
      expect(Math.abs(kept - (given.data[row * width + column] as number))).toBeLessThanOrEqual(
        0.5001 * scales[row],
      );
    }
    expect(sums[row]).toBe(sum);
  }
});

test("whole rows have eight bits and no zero points", async () => {
  const output = await converted({ quantize: "q8", blockSize: "row" });
  const path = join(output, "config.json");
  const config = JSON.parse(await readFile(path, "utf8"));
  config.quantization.language.bits = 4;
  config.quantization.vision.zero_points = true;
  const attempt = (): unknown => parseConfig(config, path);
  expect(attempt).toThrow("quantization.language.bits");
  expect(attempt).toThrow("quantization.vision.zero_points");
  const out = fresh();
  await expect(convertCheckpoint(source, out, { quantize: "q4", blockSize: "row" })).rejects.toThrow(
    'quantize: must be "q8" beside blockSize "row"',
  );
  await expect(readdir(out)).rejects.toThrow("ENOENT");
});

test("bytes of the other layout are refused", async () => {
  const [rows, blocks] = [
    await converted({ quantize: "q8", visionBlockSize: "row" }),
    await converted({ quantize: "q8" }),
  ];
  const text = await readFile(join(blocks, "config.json"), "utf8");
  await writeFile(join(rows, "config.json"), text);
  await expect(openValidated(rows, publishedModel)).rejects.toThrow("fc1.weight.packed must be");
});

test("none keeps every number", async () => {
  const { tensors } = await contentOf(await converted({ quantize: "none" }));
  const given = await readAll((await openCheckpoint(source)).weights);
  expect([...tensors.keys()].sort()).toEqual([...given.keys()].sort());
  for (const [name, { data }] of given) {
    const kept = tensors.get(name)!.data;
    expect(data.findIndex((value, i) => kept[i] !== value) < 0, name).toBe(true);
  }
});

test("a stopped conversion is no model, and goes on to the same files", async () => {
  const settings = { quantize: "q4", blockSize: 32, maxShardBytes: 40_000 } as const;
  const output = fresh();
  const stop = new AbortController();
  const stopping = convertCheckpoint(source, output, {
    ...settings,
    signal: stop.signal,
    onProgress: (bytes, total) => {
      if (bytes > total / 2) stop.abort(new Error("stopped by hand"));
    },
  });
  await expect(stopping).rejects.toThrow("stopped by hand");
  await expect(openCheckpoint(output)).rejects.toThrow("config.json");
  const told: number[] = [];
  const report = await convertCheckpoint(source, output, {
    ...settings,
    onProgress: (bytes) => told.push(bytes),
  });
  expect(report.reusedFiles).toBeGreaterThan(0);
  expect(report.reusedFiles).toBeLessThan(report.files);
  expect(told.at(-1)).toBe(report.bytesBefore);
  expect(await hashes(output)).toEqual(await hashes(await converted(settings)));
  await contentOf(output);
});

test("another conversion is not mixed into a stopped one, nor written over a model", async () => {
  const output = fresh();
  const stop = AbortSignal.abort(new Error("stopped at once"));
  await expect(convertCheckpoint(source, output, { quantize: "q4", signal: stop })).rejects.toThrow(
    "at once",
  );
  await expect(convertCheckpoint(source, output, { quantize: "q8" })).rejects.toThrow("another conversion");
  await convertCheckpoint(source, output, { quantize: "q4" });
  await expect(convertCheckpoint(source, output, { quantize: "q4" })).rejects.toThrow(
    "must be a directory without a model",
  );
  await expect(convertCheckpoint(output, fresh(), { quantize: "q4" })).rejects.toThrow(
    "must describe a model in floating point",
  );
});

test.each([
  {},
  { blockSize: "row" },
] as const)("a model in few bits is kept as it is, and nothing else (%j)", async (format) => {
  const once = await converted({ quantize: "q8", ...format });
  const again = fresh();
  const report = await convertCheckpoint(once, again, { quantize: "none" });
  expect(report.bytesAfter).toBe(report.bytesBefore);
  expect(await hashes(again)).toEqual(await hashes(once));
  await expect(convertCheckpoint(once, fresh(), { quantize: "none", vision: "f16" })).rejects.toThrow(
    /config\.json: must describe a model in floating point.*quantize "none"/,
  );
});

test("weights that cannot be kept are named", async () => {
  const { config, weights } = await openCheckpoint(source);
  const tensors = await readAll(weights);
  const broken = new Map(tensors);
  const { dims, data } = tensors.get(query)!;
  const values = (data as Float32Array).slice();
  values[3] = Number.NaN;
  broken.set(query, { dtype: "float32", dims, data: values });
  const directory = fresh();
  await saveCheckpoint(directory, { config, tensors: broken });
  await expect(convertCheckpoint(directory, fresh(), { quantize: "q4" })).rejects.toThrow(query);
  values[3] = 70_000;
  const large = fresh();
  await saveCheckpoint(large, { config, tensors: broken });
  await expect(convertCheckpoint(large, fresh(), { quantize: "f16" })).rejects.toThrow("65504");
});

test("a wrong section quantization is named key by key", async () => {
  const output = await converted({ quantize: "q4" });
  const path = join(output, "config.json");
  const config = JSON.parse(await readFile(path, "utf8"));
  config.quantization.language.bits = 3;
  config.quantization.embeddings.zero_points = true;
  await writeFile(path, JSON.stringify(config));
  const attempt = (): unknown => parseConfig(config, path);
  expect(attempt).toThrow("quantization.language.bits");
  expect(attempt).toThrow("8 bits and no zero points");
});

test("a stopped conversion does not go on with other weights of the same shapes", async () => {
  const [model, output] = [fresh(), fresh()];
  await cp(source, model, { recursive: true });
  const settings = { quantize: "q4", blockSize: 32, maxShardBytes: 40_000 } as const;
  const stop = new AbortController();
  const stopping = convertCheckpoint(model, output, {
    ...settings,
    signal: stop.signal,
    onProgress: (bytes, total) => {
      if (bytes > total / 2) stop.abort(new Error("stopped by hand"));
    },
  });
  await expect(stopping).rejects.toThrow("stopped by hand");
  const file = join(model, "model.safetensors");
  const bytes = await readFile(file);
  bytes.fill(0, bytes.length - 4);
  await writeFile(file, bytes);
  // A clock of coarse steps may give both writings the same time.
  await utimes(file, new Date(), new Date(Date.now() + 10_000));
  await expect(convertCheckpoint(model, output, settings)).rejects.toThrow("another conversion");
});

test("weights that multiply the same tensor lie side by side, part by part, so that a program reads them as one", async () => {
  const { entries } = await contentOf(await converted({ quantize: "q4", blockSize: 32 }));
  const groups = [
    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    ["mlp.gate_proj", "mlp.up_proj"],
  ];
  for (const layer of [0, 1]) {
    for (const part of ["packed", "scales", "zero_points"]) {
      for (const group of groups) {
        const places = group.map(
          (name) => entries.get(`language_model.model.layers.${layer}.${name}.weight.${part}`)!.place!,
        );
        for (const [i, { offset }] of places.entries()) {
          if (i > 0) expect(offset, `${group[i]} ${part}`).toBe(places[i - 1].offset + places[i - 1].bytes);
        }
      }
    }
  }
});
