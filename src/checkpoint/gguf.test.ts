import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import {
  architectures,
  type GgufTensor,
  ggmlTypes,
  ggufLayout,
  readGgufHeader,
  type WrittenTensor,
  type WrittenValue,
} from "../gguf/index.ts";
import { memoryFile } from "../gguf/testing/memory-file.ts";
import { type OpenFile, openFile } from "../platform/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import { dequantizeRows, unpackedZeroPoints } from "../quantization/index.ts";
import type { HostTensor, QuantizedFormat } from "../tensor/index.ts";
import { type BlockType, blockCodes, newScales, numbersOf } from "./gguf-blocks.ts";
import { keptFormats } from "./gguf-formats.ts";
import { ggmlNumbers } from "./gguf-narrow.ts";
import { type PlacedTensor, readableTensors } from "./gguf-source.ts";
import { CheckpointError, openCheckpoint, type RowRange, type TensorSource } from "./index.ts";
import { tensorFrom } from "./stored-types.ts";
import { numbersOneByOne } from "./testing/gguf-numbers.ts";

const folder = fileURLToPath(new URL("../../tests/fixtures/gguf/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".gguf"));
const directory = mkdtempSync(join(tmpdir(), "owl-gguf-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function placedTensors(name: string): Promise<{ tensors: PlacedTensor[]; close: () => Promise<void> }> {
  const file = await openFile(join(folder, name));
  const reading = await readGgufHeader(file);
  if ("problems" in reading) throw new Error(reading.problems.join());
  const placed = (tensor: GgufTensor): PlacedTensor => ({ ...tensor, file, published: tensor.name });
  return { tensors: reading.header.tensors.map(placed), close: () => file.close() };
}

const rules = (formatOf: (name: string) => QuantizedFormat | undefined) => ({
  architecture: architectures.qwen3,
  headDim: 32,
  formatOf,
});

/** A tensor as it is widened, and the numbers that its kept blocks stand for. */
async function bothWays(tensor: PlacedTensor, format: QuantizedFormat, range?: RowRange) {
  const [wide] = readableTensors(
    tensor,
    rules(() => undefined),
  );
  const parts = readableTensors(
    tensor,
    rules(() => format),
  );
  const data = async (part: string) =>
    (await parts.find(({ entry }) => entry.name.endsWith(part))?.read(range))?.data;
  const width = tensor.dims[1];
  const [from, to] = range ?? [0, tensor.dims[0]];
  const zeros = (await data(".zero_points")) as Uint8Array | undefined;
  const { bits, blockSize } = format;
  const kept = dequantizeRows(
    {
      bits,
      blockSize,
      packed: (await data(".packed")) as Uint8Array,
      scales: (await data(".scales")) as Float32Array,
      zeroPoints: unpackedZeroPoints(to - from, width, format, zeros),
      offsets: (await data(".offsets")) as Float32Array | undefined,
    },
    width,
  );
  return { wide: (await wide.read(range)).data, kept };
}

test("blocks that are kept stand for the very numbers that are widened, in every format", async () => {
  const seen = new Set<string>();
  for (const name of files) {
    const { tensors, close } = await placedTensors(name);
    const formats = keptFormats(tensors);
    for (const tensor of tensors) {
      const format = formats.get(tensor.name);
      if (format === undefined) continue;
      const { wide, kept } = await bothWays(tensor, format);
      expect(
        Buffer.compare(Buffer.from(kept.buffer), Buffer.from(wide.buffer)),
        `${name} ${tensor.name}`,
      ).toBe(0);
      const range: RowRange = [1, Math.min(5, tensor.dims[0])];
      const some = await bothWays(tensor, format, range);
      const [from, to] = range.map((row) => row * tensor.dims[1]);
      expect(some.kept).toEqual(kept.slice(from, to));
      expect(some.wide).toEqual(wide.slice(from, to));
      seen.add(tensor.type);
    }
    await close();
  }
  expect([...seen].sort()).toEqual(Object.keys(blockCodes).sort());
});

test.each(
  Object.keys(blockCodes) as BlockType[],
)("the kernel of %s finds the numbers that are found one by one", (type) => {
  const random = mulberry32(5);
  const { numbers, bytes: size } = ggmlTypes[type];
  // One block, and more than a kernel takes at once.
  for (const blocks of [0, 1, 2 ** 16 / numbers + 3]) {
    const bytes = Uint8Array.from({ length: blocks * size }, () => Math.floor(256 * random()));
    expect(numbersOf(type, bytes, blocks * numbers)).toEqual(numbersOneByOne(type, bytes));
  }
});

describe("a tensor that is read in several pieces", () => {
  const dims = [40, 2 ** 16];
  const { numbers, bytes: size } = ggmlTypes.Q8_0;
  const random = mulberry32(6);
  const bytes = Uint8Array.from({ length: (dims[0] * dims[1] * size) / numbers }, (_, i) =>
    i % size < 2 ? 0x3c : Math.floor(256 * random()),
  );
  const read = (file: OpenFile, range?: RowRange) => {
    const tensor = {
      name: "t",
      published: "t",
      type: "Q8_0",
      dims,
      offset: 0,
      bytes: bytes.length,
      file,
    } as const;
    return readableTensors(
      tensor,
      rules(() => undefined),
    )[0].read(range);
  };

  test("is the same as row by row", async () => {
    const whole = (await read(memoryFile(bytes))).data;
    for (const row of [0, 15, 16, 17, 31, 32, 39]) {
      const { data } = await read(memoryFile(bytes), [row, row + 1]);
      expect(Buffer.compare(bytesOf(data), bytesOf(whole.subarray(row * dims[1], (row + 1) * dims[1])))).toBe(
        0,
      );
    }
  });

  test.each([1, 2, 3])("says what went wrong with piece %d", async (piece) => {
    const file = memoryFile(bytes);
    let count = 0;
    const failing: OpenFile = {
      ...file,
      read: async (...asked) => {
        if (++count === piece) throw new Error(`piece ${piece} cannot be read`);
        return file.read(...asked);
      },
    };
    await expect(read(failing)).rejects.toThrow(`piece ${piece} cannot be read`);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: HostTensor["data"]): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

test("rows of queries and keys are read alike whole and in part", async () => {
  const { weights } = await openCheckpoint(join(folder, "smollm3-f16.gguf"));
  const name = "model.layers.1.self_attn.k_proj.weight";
  const { data, dims } = await weights.read(name);
  for (const [from, to] of [
    [0, dims[0]],
    [3, 9],
    [7, 8],
  ] as const) {
    expect((await weights.read(name, [from, to])).data).toEqual(data.slice(from * dims[1], to * dims[1]));
  }
  await weights.close();
});

describe("numbers that are written", () => {
  const values = Float32Array.from({ length: 256 }, (_, i) => Math.fround(Math.sin(i * i) * 3 ** (i % 7)));
  test.each([
    "F16",
    "BF16",
    "Q8_0",
    "Q4_0",
  ] as const)("%s: what is rounded is near, and rounds to itself", (type) => {
    const bytes = ggmlNumbers(values, type)!;
    const back = widened(bytes, type);
    const step = { F16: 2 ** -11, BF16: 2 ** -8, Q8_0: 1 / 100, Q4_0: 1 / 7 }[type];
    for (const [i, value] of values.entries()) {
      const block = values.subarray(32 * Math.floor(i / 32), 32 * Math.floor(i / 32) + 32);
      const largest = Math.max(...block.map(Math.abs));
      expect(Math.abs(back[i] - value)).toBeLessThanOrEqual(step * largest);
    }
    expect(widened(ggmlNumbers(back, type)!, type)).toEqual(back);
  });

  test("what exceeds half precision is no number of the format", () => {
    expect(ggmlNumbers(new Float32Array(32).fill(1e6), "F16")).toBeUndefined();
    expect(ggmlNumbers(new Float32Array(32).fill(1e8), "Q8_0")).toBeUndefined();
    expect(ggmlNumbers(new Float32Array(32).fill(1e8), "BF16")).toBeDefined();
  });
});

/** Numbers as a file has them, in single precision. */
function widened(bytes: Uint8Array, type: "F16" | "BF16" | "Q8_0" | "Q4_0"): Float32Array {
  if (type === "F16" || type === "BF16") return tensorFrom(type, [256], bytes).data as Float32Array;
  const size = bytes.length / 8;
  const view = new DataView(bytes.buffer);
  const block = newScales();
  const q = numbersOf(type, bytes, 256);
  return Float32Array.from({ length: 256 }, (_, i) => {
    const at = size * Math.floor(i / 32);
    blockCodes[type].scales(view, at, block);
    return block.scales[0] * q[i];
  });
}

const small = new Map<string, WrittenValue>([
  ["general.architecture", { type: "string", value: "llama" }],
  ["llama.context_length", { type: "uint32", value: 64 }],
  ["llama.embedding_length", { type: "uint32", value: 32 }],
  ["llama.block_count", { type: "uint32", value: 1 }],
  ["llama.feed_forward_length", { type: "uint32", value: 32 }],
  ["llama.attention.head_count", { type: "uint32", value: 2 }],
  ["llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-5 }],
]);
const matrix = (name: string, rows = 32): WrittenTensor => ({
  name: `${name}.weight`,
  type: "F32",
  dims: [rows, 32],
});
const vector = (name: string): WrittenTensor => ({ name: `${name}.weight`, type: "F32", dims: [32] });
const layer = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
const whole: WrittenTensor[] = [
  matrix("token_embd", 40),
  ...layer.map((name) => matrix(`blk.0.${name}`)),
  ...["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"].map(vector),
];

let made = 0;
function written(
  entries: ReadonlyMap<string, WrittenValue>,
  tensors: readonly WrittenTensor[],
  name?: string,
): string {
  const { header, size } = ggufLayout(entries, tensors);
  const bytes = new Uint8Array(size);
  bytes.set(header);
  const path = join(directory, name ?? `${made++}.gguf`);
  writeFileSync(path, bytes);
  return path;
}

const opened = async (path: string): Promise<TensorSource> => (await openCheckpoint(path)).weights;
const refused = async (path: string): Promise<CheckpointError> => {
  const error = await opened(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error as CheckpointError;
};

test("settings and names of a file are those of config.json and safetensors", async () => {
  const { config, weights } = await openCheckpoint(written(small, whole));
  expect(config).toMatchObject({
    model_type: "llama",
    hidden_size: 32,
    num_key_value_heads: 2,
    head_dim: 16,
    vocab_size: 40,
    rope_theta: 10000,
    rope_scaling: null,
    tie_word_embeddings: true,
  });
  expect(Object(config).quantization).toBeUndefined();
  expect(weights.tensors.map(({ name }) => name)).toContain("model.layers.0.self_attn.q_proj.weight");
  await weights.close();
});

test("everything that is not computed is named at once", async () => {
  const entries = new Map<string, WrittenValue>(small)
    .set("llama.attention.sliding_window", { type: "uint32", value: 9 })
    .set("llama.expert_count", { type: "uint32", value: 8 })
    .set("llama.rope.dimension_count", { type: "uint32", value: 8 })
    .set("llama.rope.scaling.type", { type: "string", value: "su" })
    .set("llama.embedding_length", { type: "string", value: "32" });
  const { problems } = await refused(written(entries, [...whole, matrix("blk.0.ffn_gate_exps")]));
  expect(problems.map((problem) => problem.split(":")[0])).toEqual([
    "llama.attention.sliding_window",
    "llama.expert_count",
    "llama.embedding_length",
    "llama.embedding_length",
    "llama.rope.dimension_count",
    "llama.rope.scaling.type",
    "blk.0.ffn_gate_exps.weight",
  ]);
});

test("an architecture that is not computed, and a file of something else, are named", async () => {
  const mamba = new Map(small).set("general.architecture", { type: "string", value: "mamba" });
  expect((await refused(written(mamba, whole))).message).toContain(
    "must be one of llama, qwen2, qwen3, gemma2",
  );
  const pointer = join(directory, "pointer.gguf");
  writeFileSync(pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  expect((await refused(pointer)).message).toContain("git-lfs");
});

test("a model in several files is one, whichever is named; a part of it alone is none", async () => {
  const count = (value: number): WrittenValue => ({ type: "uint32", value });
  const first = new Map(small).set("split.count", count(2)).set("split.no", count(0));
  const second = new Map([
    ["split.count", count(2)],
    ["split.no", count(1)],
  ]);
  const paths = [
    written(first, whole.slice(0, 4), "m-00001-of-00002.gguf"),
    written(second, whole.slice(4), "m-00002-of-00002.gguf"),
  ];
  for (const path of paths) {
    const weights = await opened(path);
    expect(weights.tensors.length).toBe(whole.length);
    expect((await weights.read("model.norm.weight")).dims).toEqual([32]);
    await weights.close();
  }
  writeFileSync(join(directory, "alone.gguf"), readFileSync(paths[0]));
  expect((await refused(join(directory, "alone.gguf"))).message).toContain("split.count 2 in 1 file");
});
