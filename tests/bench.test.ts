import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeRandomGguf } from "../bench/random-gguf.ts";
import { writeQuantized } from "../bench/synthetic.ts";
import { markdownTable } from "../bench/table.ts";
import { textModels } from "../bench/text-models.ts";
import { decodeWork, leastMilliseconds, prefillWork } from "../bench/work.ts";
import { readGgufHeader } from "../src/gguf/index.ts";
import { memoryFile } from "../src/gguf/testing/memory-file.ts";

test("the table shows the default's ratio to the peer and its share of the limit, and what is missing as such", () => {
  const rows = [
    {
      what: "a token",
      unit: "ms",
      ours: 40,
      tuned: 37.25,
      peer: ["llama.cpp", 50] as const,
      limit: 20,
    },
    { what: "an install", unit: "MB", ours: 389.4 },
  ] as const;
  expect(markdownTable(rows)).toBe(
    [
      "|  | unit | ours by default | ours tuned | peer | times as fast as the peer | limit | share of the limit |",
      "| --- | --- | --- | --- | --- | --- | --- | --- |",
      "| a token | ms | 40.0 | 37.3 | 50.0 llama.cpp | 1.25 | 20.0 | 50 % |",
      "| an install | MB | 389 | – | – | – | – | – |",
    ].join("\n"),
  );
});

test("a limit is the slower of reading and computing", () => {
  const peaks = { bandwidth: 1e9, float32: 1e12, int8: 2e12 };
  expect(leastMilliseconds({ bytes: 1e9, type: "int8" }, peaks)).toBe(1000);
  expect(leastMilliseconds({ bytes: 1e6, operations: 4e9, type: "int8" }, peaks)).toBe(2);
  expect(leastMilliseconds({ operations: 4e9, type: "float32" }, peaks)).toBe(4);
});

test("a token reads a model's whole file where its table is its head, and all keys and values; a prompt multiplies by every weight", async () => {
  const directory = mkdtempSync(join(tmpdir(), "owl-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = textModels.tiny();
  await writeQuantized(directory, config);
  const file = readFileSync(join(directory, "model.safetensors"));
  const numbers = file.length - 8 - Number(file.readBigUInt64LE());
  expect(decodeWork(config, 0).bytes).toBe(numbers);
  // Keys and values of two layers, two heads of 32 numbers, in four bytes.
  expect(decodeWork(config, 3).bytes).toBe(numbers + 3 * 2 * 2 * 2 * 32 * 4);
  const layer = 128 * 128 + 2 * 128 * 64 + 128 * 128 + 3 * 128 * 256;
  const products = 2 * 5 * 2 * layer + 2 * 128 * 512;
  expect(prefillWork(config, 5).operations).toBe(products + 2 * 2 * 128 * 5 * 5);
});

test("the peer's file has the same shapes, in four bits with table and head in eight", async () => {
  const directory = mkdtempSync(join(tmpdir(), "owl-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "tiny.gguf");
  await writeRandomGguf(path, textModels.tiny());
  const reading = await readGgufHeader(memoryFile(readFileSync(path)));
  if ("problems" in reading) throw new Error(reading.problems.join());
  const typeOf = new Map(reading.header.tensors.map(({ name, type, dims }) => [name, `${type} ${dims}`]));
  expect(typeOf.get("token_embd.weight")).toBe("Q8_0 512,128");
  expect(typeOf.get("blk.1.attn_k.weight")).toBe("Q4_0 64,128");
  expect(typeOf.get("blk.1.ffn_norm.weight")).toBe("F32 128");
  expect(typeOf.size).toBe(2 + 2 * 9);
});

test("the most common mix of a file is llama.cpp's; widths that it cannot have are refused", async () => {
  const directory = mkdtempSync(join(tmpdir(), "owl-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "mix.gguf");
  const tiny = textModels.tiny();
  await expect(writeRandomGguf(path, tiny, "q4_k_m")).rejects.toThrow(
    "must have widths that are multiples of 256",
  );
  const language = { ...tiny.language, layers: 8, hidden: 256, headDim: 64, intermediate: 512 };
  await writeRandomGguf(path, { ...tiny, language }, "q4_k_m");
  const reading = await readGgufHeader(memoryFile(readFileSync(path)));
  if ("problems" in reading) throw new Error(reading.problems.join());
  const wide = reading.header.tensors.filter(({ type }) => type === "Q6_K").map(({ name }) => name);
  const inLayers = [0, 3, 6, 7].flatMap((layer) => [
    `blk.${layer}.attn_v.weight`,
    `blk.${layer}.ffn_down.weight`,
  ]);
  expect(wide.sort()).toEqual([...inLayers, "token_embd.weight"].sort());
});
