import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadTokenizer } from "./index.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "owl-tokenizer-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const saving = /AutoTokenizer\.from_pretrained\(.*\)\.save_pretrained\(.*\)/;

test("a tokenizer in parts is told how it becomes one file", async () => {
  await expect(loadTokenizer(directory)).rejects.toThrow("got neither");
  await expect(loadTokenizer(directory)).rejects.toThrow(saving);
  writeFileSync(join(directory, "vocab.json"), "{}");
  writeFileSync(join(directory, "merges.txt"), "");
  await expect(loadTokenizer(directory)).rejects.toThrow("got vocab.json and merges.txt alone");
  await expect(loadTokenizer(directory)).rejects.toThrow(saving);
});

test("a tokenizer of another kind is told to take another model, a broken one to write it anew", async () => {
  const write = (model: unknown): void =>
    writeFileSync(join(directory, "tokenizer.json"), JSON.stringify({ added_tokens: [], model }));
  write({ type: "WordPiece", vocab: {} });
  await expect(loadTokenizer(directory)).rejects.toThrow('No tokenizer of kind "WordPiece" is computed here');
  write({ type: "BPE", vocab: [] });
  await expect(loadTokenizer(directory)).rejects.toThrow(saving);
});
