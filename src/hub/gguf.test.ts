import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/index.ts";
import { cachedModel } from "./cache.ts";
import { modelDirectory } from "./model-directory.ts";
import { cache, failureOf, fetchIt, first, hub, json, noise, sentFor } from "./testing/pulling.ts";

const model = readFileSync(
  fileURLToPath(new URL("../../tests/fixtures/gguf/qwen2-q4_1.gguf", import.meta.url)),
);
const split = {
  "big-00001-of-00002.gguf": noise(3_000, 8),
  "big-00002-of-00002.gguf": noise(2_000, 9),
};
const serve = (repo: string, files: Record<string, Buffer>): void => {
  hub.repos.set(repo, { refs: { main: first }, commits: { [first]: files } });
};

beforeEach(() => {
  const others = { "README.md": json(1), "mmproj-f16.gguf": noise(9, 1), "imatrix.gguf": noise(9, 2) };
  serve("org/many", { ...others, ...split, "q4.gguf": model, "q8/q8.gguf": noise(500, 3) });
  serve("org/one", { ...others, "config.json": json({}), "q4.gguf": model });
});

test("a named file alone is fetched, and its name then stands for it", async () => {
  const { directory, fetchedBytes } = await fetchIt("org/many/q4.gguf");
  expect(fetchedBytes).toBe(model.length);
  expect(readFileSync(directory).equals(model)).toBe(true);
  expect(readdirSync(dirname(directory))).toEqual(["q4.gguf"]);
  expect(await modelDirectory("org/many/q4.gguf", { cache })).toBe(directory);
  expect(await modelDirectory("org/many/q4.gguf@main", { cache })).toBe(directory);
  const { config, weights } = await openCheckpoint(directory);
  await weights.close();
  expect(config).toMatchObject({ model_type: "qwen2" });
  expect((await fetchIt("org/many/q4.gguf")).fetchedBytes).toBe(0);
  expect((await fetchIt("org/many/q8/q8.gguf")).fetchedBytes).toBe(500);
});

test("all files of a model in several, whichever is named; a part of it is no model", async () => {
  const { directory } = await fetchIt("org/many/big-00002-of-00002.gguf");
  expect(directory).toMatch(/big-00001-of-00002\.gguf$/);
  expect(readdirSync(dirname(directory)).sort()).toEqual(Object.keys(split));
  expect(await cachedModel("org/many", { cache })).toBe(directory);
  rmSync(join(dirname(directory), "big-00002-of-00002.gguf"));
  expect(await cachedModel("org/many/big-00001-of-00002.gguf", { cache })).toBeUndefined();
  expect(await cachedModel("org/many", { cache })).toBeUndefined();
});

test("the only model of a repo needs no name; of several one must be named", async () => {
  const { directory } = await fetchIt("org/one");
  expect(directory).toMatch(/q4\.gguf$/);
  expect(await modelDirectory("org/one", { cache })).toBe(directory);
  expect(sentFor("mmproj-f16.gguf")).toEqual([]);
  expect(String(await failureOf(fetchIt("org/many")))).toMatch(
    /org\/many: must be told which GGUF file is meant, got big-00001-of-00002.gguf, q4.gguf, q8\/q8.gguf; name one, such as org\/many\/big/,
  );
  await fetchIt("org/many/q4.gguf");
  await fetchIt("org/many/big-00001-of-00002.gguf");
  await expect(modelDirectory("org/many", { cache })).rejects.toThrow(
    /several; name one: org\/many\/big-00001-of-00002.gguf, org\/many\/q4.gguf/,
  );
});

test("what is not there is told, with the file that an address means", async () => {
  expect(String(await failureOf(fetchIt("org/many/q5.gguf")))).toMatch(
    /org\/many: must hold q5.gguf, got big-00001-of-00002.gguf, q4.gguf, q8\/q8.gguf$/,
  );
  await expect(modelDirectory("org/many/q5.gguf", { cache })).rejects.toThrow("owl pull org/many/q5.gguf");
  const address = "https://huggingface.co/org/many/blob/main/q4.gguf";
  expect(String(await failureOf(fetchIt(address)))).toMatch("write org/many/q4.gguf");
});

test("files of a directory: any of those of one model stands for the first, which all of the others lie beside", async () => {
  const names = Object.keys(split);
  const place = mkdtempSync(join(tmpdir(), "owl-split-"));
  for (const [name, bytes] of Object.entries(split)) writeFileSync(join(place, name), bytes);
  for (const name of names) expect(await modelDirectory(join(place, name))).toBe(join(place, names[0]));
  rmSync(join(place, names[0]));
  await expect(modelDirectory(join(place, names[1]))).rejects.toThrow(
    /-00002-of-00002.gguf: must have all 2 files of its model beside it, got big-00001-of-00002.gguf missing/,
  );
  rmSync(place, { recursive: true });
});
