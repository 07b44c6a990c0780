import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { scanCacheDir } from "@huggingface/hub";
import { expect, test } from "vitest";
import { cachedModel } from "./cache.ts";
import { modelDirectory } from "./model-directory.ts";
import { checksumOf } from "./testing/hub-server.ts";
import {
  cache,
  events,
  failureOf,
  fetchIt,
  files,
  first,
  folder,
  hub,
  json,
  noise,
} from "./testing/pulling.ts";

const serve = (name: string, content: Record<string, Buffer>, commit = first): void => {
  const known = hub.repos.get(name)?.commits ?? {};
  hub.repos.set(name, { refs: { main: commit }, commits: { ...known, [commit]: content } });
};

/** Puts files of the first commit into the cache as another of the hub's programs does: without a record of the others. */
function fetchedElsewhere(name: string, content: Record<string, Buffer>): string {
  const snapshot = join(folder(name), "snapshots", first);
  for (const [path, bytes] of Object.entries(content)) {
    const blob = join(folder(name), "blobs", checksumOf(bytes));
    mkdirSync(dirname(blob), { recursive: true });
    writeFileSync(blob, bytes);
    mkdirSync(dirname(join(snapshot, path)), { recursive: true });
    symlinkSync(blob, join(snapshot, path));
  }
  mkdirSync(join(folder(name), "refs"), { recursive: true });
  writeFileSync(join(folder(name), "refs", "main"), first);
  return snapshot;
}

const published = { "adapter_config.json": json({ r: 8 }), "adapter_model.safetensors": noise(2_000, 7) };

test.each([
  "trained_modules.safetensors",
  "non_lora_trainables.bin",
])("an adapter without its %s, which another program left out, is completed", async (beside) => {
  const held = { ...published, [beside]: noise(500, 8) };
  serve("org/lora", held);
  const snapshot = fetchedElsewhere("lora", published);
  expect(await fetchIt("org/lora")).toEqual({ directory: snapshot, commit: first, fetchedBytes: 500 });
  expect(readdirSync(snapshot).sort()).toEqual(Object.keys(held).sort());
});

test("an adapter that is no more than PEFT's two files is asked about once", async () => {
  serve("org/lora", published);
  const snapshot = fetchedElsewhere("lora", published);
  expect(await fetchIt("org/lora", { offline: true })).toMatchObject({ directory: snapshot });
  expect(hub.asked).toEqual([]);
  expect(await fetchIt("org/lora")).toMatchObject({ directory: snapshot, fetchedBytes: 0 });
  await hub.stop();
  expect(await fetchIt("org/lora")).toMatchObject({ directory: snapshot, fetchedBytes: 0 });
  const { warnings } = await scanCacheDir(cache);
  expect(warnings).toEqual([]);
});

test("a stopped download of an adapter is none in the cache: its matrices come last", async () => {
  serve("org/lora", { ...published, "non_lora_trainables.bin": noise(500, 8) });
  hub.trouble.status.set("non_lora_trainables.bin", { status: 404, times: 1 });
  await failureOf(fetchIt(`org/lora@${first}`));
  expect(existsSync(join(folder("lora"), "snapshots", first, "adapter_model.safetensors"))).toBe(false);
  expect(await cachedModel(`org/lora@${first}`, { cache })).toBeUndefined();
});

test("weights that another program fetched alone get the tokenizer, of the same commit, and once", async () => {
  const alone = { "config.json": files["config.json"], "model.safetensors": files["model.safetensors"] };
  const snapshot = fetchedElsewhere("model", alone);
  const newer = "5ec0".repeat(10);
  serve("org/model", { ...files, "model.safetensors": noise(9_000, 5) }, newer);
  const pulled = await fetchIt();
  expect(pulled).toMatchObject({ directory: snapshot, commit: first });
  expect(readFileSync(join(snapshot, "tokenizer.json")).equals(files["tokenizer.json"])).toBe(true);
  expect(pulled.fetchedBytes).toBeLessThan(10_000);
  await hub.stop();
  expect(await fetchIt()).toMatchObject({ directory: snapshot, fetchedBytes: 0 });
});

test("a GGUF file that was fetched by name does not stand for a repo with other weights", async () => {
  serve("org/model", { ...files, "q4.gguf": noise(700, 3) });
  const named = await fetchIt("org/model/q4.gguf");
  // Without the network it is what there is.
  expect(await modelDirectory("org/model", { cache })).toBe(named.directory);
  expect((await fetchIt("org/model", { offline: true })).directory).toBe(named.directory);
  const whole = await fetchIt();
  expect(whole.directory).toBe(dirname(named.directory));
  expect(existsSync(join(whole.directory, "model.safetensors"))).toBe(true);
  expect(await modelDirectory("org/model", { cache })).toBe(whole.directory);
});

test("nor for a repo with other GGUF files; the only one is asked about once", async () => {
  serve("org/model", { "q4.gguf": noise(700, 3), "q8.gguf": noise(900, 3) });
  await fetchIt("org/model/q4.gguf");
  expect(String(await failureOf(fetchIt()))).toMatch(
    "must be told which GGUF file is meant, got q4.gguf, q8.gguf",
  );
  serve("org/one", { "q4.gguf": noise(700, 3) });
  const { directory } = await fetchIt("org/one");
  await hub.stop();
  expect(await fetchIt("org/one")).toMatchObject({ directory, fetchedBytes: 0 });
});

test("a GGUF file in a folder, the only one of its repo, is found by the repo's name", async () => {
  serve("org/folders", {
    "README.md": json(1),
    "Q4/m-q4.gguf": noise(700, 3),
    "Q4/mmproj.gguf": noise(9, 1),
  });
  const { directory } = await fetchIt("org/folders");
  expect(directory).toMatch(/[\\/]Q4[\\/]m-q4\.gguf$/);
  expect(await modelDirectory("org/folders", { cache })).toBe(directory);
  events.length = 0;
  expect(await fetchIt("org/folders")).toMatchObject({ directory, fetchedBytes: 0 });
  rmSync(directory);
  expect(await cachedModel("org/folders", { cache })).toBeUndefined();
});

test("several in folders are named by their paths", async () => {
  serve("org/folders", { "Q4/m.gguf": noise(700, 3), "Q8/m.gguf": noise(900, 3) });
  await fetchIt("org/folders/Q4/m.gguf");
  await fetchIt("org/folders/Q8/m.gguf");
  await expect(modelDirectory("org/folders", { cache })).rejects.toThrow(
    /several; name one: org\/folders\/Q4\/m.gguf, org\/folders\/Q8\/m.gguf/,
  );
});
