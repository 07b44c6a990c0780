import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HubError } from "./errors.ts";
import { adapterPath, modelDirectory } from "./model-directory.ts";

const shipped = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));
const commit = "0123456789abcdef0123456789abcdef01234567";
let folder: string;
let cache: string;

const put = (directory: string, ...files: string[]): string => {
  mkdirSync(directory, { recursive: true });
  for (const file of files) writeFileSync(join(directory, file), "{}");
  return directory;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-models-"));
  cache = join(folder, "hub");
  const repo = join(cache, "models--org--name");
  put(join(repo, "snapshots", commit), "config.json", "model.safetensors");
  put(join(repo, "refs"));
  writeFileSync(join(repo, "refs", "main"), commit);
});
afterAll(() => rmSync(folder, { recursive: true }));

const find = (model?: unknown): Promise<string> =>
  modelDirectory(model as string, { cache, relativeTo: folder });

test("the shipped model has a name, which is also meant where nothing is said", async () => {
  expect(await find()).toBe(shipped);
  expect(await find("owl-nano")).toBe(shipped);
});

test("a directory with a model in it comes before all names; one without comes behind them", async () => {
  put(join(folder, "owl-nano"), "main.ts");
  expect(await find("owl-nano")).toBe(shipped);
  const own = put(join(folder, "owl-nano"), "config.json");
  expect(await find("owl-nano")).toBe(own);
  rmSync(own, { recursive: true });

  put(join(folder, "org", "name"), "notes.txt");
  expect(await find("org/name")).toBe(join(cache, "models--org--name", "snapshots", commit));
  const named = put(join(folder, "org", "name"), "tokenizer.json");
  expect(await find("org/name")).toBe(named);
  rmSync(join(folder, "org"), { recursive: true });
});

test("a directory may be a path, a file: URL or text, or lie below the home directory", async () => {
  const own = put(join(folder, "mine with blanks"), "config.json");
  for (const model of ["mine with blanks", own, pathToFileURL(own), pathToFileURL(own).href]) {
    expect(await find(model)).toBe(own);
  }
  const home = mkdtempSync(join(homedir(), ".owl-models-"));
  try {
    put(home, "config.json");
    expect(await find(`~/${home.slice(homedir().length + 1)}`)).toBe(home);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("a repo of the hub that was fetched is found by its name and revision", async () => {
  const directory = join(cache, "models--org--name", "snapshots", commit);
  expect(await find("org/name")).toBe(directory);
  expect(await find(`org/name@${commit}`)).toBe(directory);
});

test.each<[model: unknown, says: RegExp]>([
  ["org/other", /^org\/other: .*got neither; `owl pull org\/other` fetches it .*await pull\("org\/other"\)/],
  ["org/name@dev", /`owl pull org\/name@dev` fetches it/],
  ["./nowhere", /^\.\/nowhere: must be a model directory .*or owl-nano, .*got no such directory$/],
  ["org/owl", /`owl pull org\/owl` fetches it/],
  ["owl-nan", /got no such directory; did you mean owl-nano\?$/],
  ["models/owl-nano", /got no such directory; did you mean owl-nano\?$/],
  ["", /got an empty text$/],
  ["https://huggingface.co/org/name/tree/main", /got an address; write org\/name$/],
  [new URL("https://owls.example/nano"), /got an address; fetch its files/],
  [new URL("file://elsewhere/nano"), /must name a file of this machine/],
  [7, /^model: must be .*got 7$/],
  [null, /got null$/],
  [{ model: "owl-nano" }, /got an object$/],
  [Promise.resolve("owl-nano"), /got a Promise$/],
])("%s is told from a model in one sentence", async (model, says) => {
  await expect(find(model)).rejects.toThrow(says);
  await expect(find(model)).rejects.not.toThrow(/\n/);
});

test("whatever was given, the sentence is short", async () => {
  const error = await find("x".repeat(100_000)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(HubError);
  expect((error as Error).message.length).toBeLessThan(600);
});

test("an adapter may also be a file", async () => {
  const file = join(
    put(join(folder, "adapter"), "lora.safetensors", "adapter_config.json"),
    "lora.safetensors",
  );
  const place = { cache, relativeTo: folder };
  expect(await adapterPath(pathToFileURL(file), place)).toBe(file);
  expect(await adapterPath("adapter", place)).toBe(join(folder, "adapter"));
  await expect(adapterPath("org/lora", place)).rejects.toThrow("`owl pull org/lora` fetches it");
  await expect(adapterPath("lora", place)).rejects.toThrow(/^lora: must be a LoRA adapter .*`owl pull lora`/);
  await expect(adapterPath("./adaptor", place)).rejects.toThrow(
    /^\.\/adaptor: must be a LoRA adapter .*got no such file; did you mean .*adapter\?$/,
  );
});
