import { copyFileSync, cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadTokenizer } from "../tokenizer/index.ts";
import { loadAdapter, loadCheckpoint } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const pointer = fixture("strangers/lfs-pointer");

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-mistaken-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A copy of the small model, some of whose files are another one. */
function modelWith(names: readonly string[], content = pointer): string {
  const directory = join(folder, `${made++}`);
  cpSync(fixture("model"), directory, { recursive: true });
  for (const name of names) copyFileSync(content, join(directory, name));
  return directory;
}

const told = "a git-lfs pointer to a file of 14204192 bytes, not the file itself";
const fetch = /Fetch the file by `git lfs pull` in the clone, or by `owl pull org\/name`/;

test("a git-lfs pointer is told, whatever it stands for", async () => {
  const weights = modelWith(["model.safetensors"]);
  await expect(loadCheckpoint(weights)).rejects.toThrow(
    `${join(weights, "model.safetensors")}: must be a safetensors file, got ${told}`,
  );
  await expect(loadCheckpoint(weights)).rejects.toThrow(fetch);
  const torch = modelWith(["pytorch_model.bin"]);
  rmSync(join(torch, "model.safetensors"));
  await expect(loadCheckpoint(torch)).rejects.toThrow(
    `pytorch_model.bin: must be a PyTorch file, got ${told}`,
  );
  await expect(loadCheckpoint(modelWith(["config.json"]))).rejects.toThrow(
    `config.json: must be valid JSON, got ${told}`,
  );
  await expect(loadAdapter(pointer)).rejects.toThrow(told);
  for (const name of ["tokenizer.json", "tokenizer.model", "tokenizer_config.json"]) {
    const directory = join(folder, `${made++}`);
    cpSync(fixture("strangers/added-json"), directory, { recursive: true });
    copyFileSync(pointer, join(directory, name));
    await expect(loadTokenizer(directory), name).rejects.toThrow(told);
    await expect(loadTokenizer(directory), name).rejects.toThrow(fetch);
  }
});

test("shards that are pointers are all named", async () => {
  const directory = modelWith(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
  rmSync(join(directory, "model.safetensors"));
  const map = { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" };
  writeFileSync(join(directory, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  await expect(loadCheckpoint(directory)).rejects.toThrow(
    /00001-of-00002.*git-lfs pointer[\s\S]*00002-of-00002.*git-lfs pointer/,
  );
});

test("a web page, an empty file and zeros in place of weights are told", async () => {
  const page = join(folder, "page.html");
  writeFileSync(page, "<!doctype html><title>Access denied</title>");
  await expect(loadCheckpoint(modelWith(["model.safetensors"], page))).rejects.toThrow("a web page saved");
  writeFileSync(page, "");
  await expect(loadCheckpoint(modelWith(["model.safetensors"], page))).rejects.toThrow("an empty file");
  truncateSync(page, 100_000);
  await expect(loadCheckpoint(modelWith(["model.safetensors"], page))).rejects.toThrow("nothing but zeros");
});
