import { expect, test } from "vitest";
import {
  type GgufReading,
  ggufLayout,
  readGgufHeader,
  type WrittenTensor,
  type WrittenValue,
} from "./index.ts";
import { memoryFile } from "./testing/memory-file.ts";

const metadata = new Map<string, WrittenValue>([
  ["general.architecture", { type: "string", value: "llama" }],
  ["llama.block_count", { type: "uint32", value: 3 }],
  ["llama.rope.freq_base", { type: "float32", value: 500 }],
  ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
  ["tokenizer.ggml.tokens", { type: "strings", value: ["a", "ä🦉", ""] }],
  ["tokenizer.ggml.token_type", { type: "int32s", value: [1, 3, 6] }],
  ["tokenizer.ggml.scores", { type: "float32s", value: [0, -1.5, -2] }],
]);
const tensors: WrittenTensor[] = [
  { name: "token_embd.weight", type: "Q8_0", dims: [3, 64] },
  { name: "output_norm.weight", type: "F32", dims: [64] },
  { name: "blk.0.attn_q.weight", type: "Q4_K", dims: [2, 256] },
];

function file(entries = metadata, list: readonly WrittenTensor[] = tensors): Uint8Array {
  const { header, size } = ggufLayout(entries, list);
  const bytes = new Uint8Array(size);
  bytes.set(header);
  return bytes;
}

const read = (bytes: Uint8Array): Promise<GgufReading> => readGgufHeader(memoryFile(bytes));

async function problems(bytes: Uint8Array): Promise<string> {
  const reading = await read(bytes);
  return "problems" in reading ? reading.problems.join("\n") : "none";
}

/** Where a text begins in a file. */
const at = (bytes: Uint8Array, text: string): number => Buffer.from(bytes).indexOf(text);

test("what is written is read", async () => {
  const reading = await read(file());
  if ("problems" in reading) throw new Error(reading.problems.join());
  const { header } = reading;
  expect(header.metadata.keys()).toEqual([...metadata.keys()]);
  for (const [key, { value }] of metadata) expect(header.metadata.get(key)).toEqual(value);
  const { positions } = ggufLayout(metadata, tensors);
  expect(header.tensors).toEqual(
    tensors.map((tensor) => ({ ...tensor, offset: positions.get(tensor.name), bytes: expect.any(Number) })),
  );
  expect(header.tensors.map(({ bytes }) => bytes)).toEqual([3 * 2 * 34, 256, 2 * 144]);
});

test("a header that is larger than what is read at once", async () => {
  const value = Array.from({ length: 30_000 }, (_, i) => `${i}`.padStart(80, "token "));
  const entries = new Map(metadata).set("tokenizer.ggml.tokens", { type: "strings", value });
  const reading = await read(file(entries));
  expect("header" in reading && reading.header.metadata.get("tokenizer.ggml.tokens")).toEqual(value);
});

test("a file that is cut short, wherever", async () => {
  const whole = file();
  const { header } = ggufLayout(metadata, tensors);
  const lengths = [0, 3, 4, 11, 24, 25, header.length - 40, header.length, whole.length - 64];
  for (const length of lengths) {
    expect(await problems(whole.subarray(0, length)), `${length} bytes`).not.toBe("none");
  }
  expect(await problems(whole.subarray(0, whole.length - 64))).toContain("cut short");
});

test("what is no GGUF file, of an unknown version, or written by a machine of the other kind", async () => {
  expect(await problems(new TextEncoder().encode("<html>not found</html>".repeat(9)))).toContain(
    "other first letters than GGUF",
  );
  const version = file();
  version[4] = 9;
  expect(await problems(version)).toContain("version");
  const bigEndian = file(new Map(), []);
  bigEndian.set([0, 0, 0, 3], 4);
  expect(await problems(bigEndian)).toContain("big-endian");
});

test("every tensor that cannot be, at once", async () => {
  const bytes = file();
  const view = new DataView(bytes.buffer);
  const typeOf = (name: string, dimensions: number): number =>
    at(bytes, name) + name.length + 4 + 8 * dimensions;
  view.setUint32(typeOf("token_embd.weight", 2), 23, true);
  view.setUint32(typeOf("output_norm.weight", 1), 77, true);
  view.setBigUint64(at(bytes, "blk.0.attn_q.weight") + 19 + 4, 250n, true);
  expect(await problems(bytes)).toMatch(
    /"token_embd.weight" with numbers of type IQ4_XS \(read are F32, .*\n"output_norm.weight" with numbers of type 77.*\n"blk.0.attn_q.weight" with rows of 250 numbers, where Q4_K has blocks of 256/s,
  );
});

test("tensors that overlap, and names and keys that stand twice", async () => {
  const bytes = file();
  const offset = at(bytes, "output_norm.weight") + 18 + 4 + 8 + 4;
  new DataView(bytes.buffer).setBigUint64(offset, 0n, true);
  expect(await problems(bytes)).toContain("overlapping");
  const [one] = tensors;
  expect(await problems(file(metadata, [one, one]))).toContain('"token_embd.weight" more than once');
  const twice = file();
  const key = at(twice, "llama.rope.freq_base");
  twice.set(new TextEncoder().encode("general.architecture"), key);
  expect(await problems(twice)).toContain('the key "general.architecture" more than once');
});

test("counts and lengths that no file has", async () => {
  for (const position of [8, 16]) {
    for (const count of [2n ** 63n, 10n ** 7n - 1n, 40n]) {
      const bytes = file();
      new DataView(bytes.buffer).setBigUint64(position, count, true);
      expect(await problems(bytes), `${count} at ${position}`).not.toBe("none");
    }
  }
  const bytes = file();
  new DataView(bytes.buffer).setBigUint64(at(bytes, "general.architecture") - 8, 2n ** 40n, true);
  expect(await problems(bytes)).toContain("cut short");
});
