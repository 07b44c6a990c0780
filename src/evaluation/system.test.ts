import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkpointDigest } from "./system.ts";

const folder = mkdtempSync(join(tmpdir(), "owl-digest-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

/** What `sha256sum` makes of files, digested. */
const digestOf = (files: Record<string, string>): string =>
  sha256(
    Object.entries(files)
      .map(([name, text]) => `${sha256(text)}  ${name}\n`)
      .join(""),
  );

test("a model's digest: of its directory's files, of its GGUF file, of all files of a split one, of an adapter's file", async () => {
  const directory = { "config.json": "{}", "model.safetensors": "weights" };
  const [first, second] = ["split-00001-of-00002.gguf", "split-00002-of-00002.gguf"];
  write({ ...directory, "notes.txt": "no part of it", "whole.gguf": "all", [first]: "one", [second]: "two" });
  expect(await checkpointDigest(folder)).toBe(digestOf(directory));
  expect(await checkpointDigest(join(folder, "whole.gguf"))).toBe(digestOf({ "whole.gguf": "all" }));
  expect(await checkpointDigest(join(folder, first))).toBe(digestOf({ [first]: "one", [second]: "two" }));
  const weights = "model.safetensors";
  expect(await checkpointDigest(join(folder, weights))).toBe(digestOf({ [weights]: "weights" }));
  rmSync(join(folder, second));
  await expect(checkpointDigest(join(folder, first))).rejects.toThrow(`${second}: must be a readable file`);
});
