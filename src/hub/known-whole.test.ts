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
import { adapterPath, modelDirectory } from "./model-directory.ts";
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

const usable = {
  "config.json": files["config.json"],
  "model.safetensors": noise(2_000, 9),
  "tokenizer.json": files["tokenizer.json"],
};

/** Neither locks nor records can be written, as in a cache of another user; for root, too, whom no permission stops. */
function closeCache(name: string): void {
  writeFileSync(join(cache, ".locks"), "");
  writeFileSync(join(folder(name), ".no_exist"), "");
}

test("where the hub is out of reach a model with weights and a tokenizer is taken as it is", async () => {
  const snapshot = fetchedElsewhere("model", usable);
  await hub.stop();
  expect(await fetchIt()).toEqual({ directory: snapshot, commit: first, fetchedBytes: 0 });
});

test.each([
  ["lora", published],
  ["model", { "config.json": usable["config.json"], "model.safetensors": usable["model.safetensors"] }],
])("what may be half of a model is not, but for the wish to stay offline: %s", async (name, held) => {
  const snapshot = fetchedElsewhere(name, held);
  await hub.stop();
  expect(String(await failureOf(fetchIt(`org/${name}`)))).toMatch(
    /^HubError: .*must answer.*what of org\/\w+ is in the cache is taken as it is with --offline .*offline: true/,
  );
  expect(await fetchIt(`org/${name}`, { offline: true })).toMatchObject({ directory: snapshot });
});

test("a cache that cannot be written is used where the hub has no more; it is asked each time", async () => {
  serve("org/model", usable);
  serve("org/lora", published);
  for (const [name, held] of Object.entries({ model: usable, lora: published })) {
    const snapshot = fetchedElsewhere(name, held);
    closeCache(name);
    for (const _ of [1, 2]) {
      hub.asked.length = 0;
      expect(await fetchIt(`org/${name}`)).toEqual({ directory: snapshot, commit: first, fetchedBytes: 0 });
      expect(hub.asked).not.toEqual([]);
    }
  }
  serve("org/model", files);
  expect(String(await failureOf(fetchIt()))).toMatch(/\.locks.* is taken as it is with --offline/);
});

test("files of a cache without links are not fetched again", async () => {
  serve("org/model", files);
  const snapshot = fetchedElsewhere("model", {});
  mkdirSync(snapshot, { recursive: true });
  for (const [path, bytes] of Object.entries({ ...usable, "model.safetensors": files["model.safetensors"] }))
    writeFileSync(join(snapshot, path), bytes);
  const { fetchedBytes } = await fetchIt();
  expect(fetchedBytes).toBe(files["tokenizer_config.json"].length);
  expect(hub.served.map(({ path }) => path)).not.toContain("model.safetensors");
});

test("an adapter is loaded by its repo's name once the hub said what lies beside it", async () => {
  serve("org/lora", { ...published, "trained_modules.safetensors": noise(500, 8) });
  serve("org/plain", published);
  for (const name of ["lora", "plain"]) {
    const snapshot = fetchedElsewhere(name, published);
    await expect(adapterPath(`org/${name}`, { cache })).rejects.toThrow(
      `without trained_modules.safetensors or non_lora_trainables.bin, which the repo may have beside its matrices; \`owl pull org/${name}\` asks the hub once`,
    );
    // By its path it is what is there.
    expect(await adapterPath(snapshot, { cache })).toBe(snapshot);
    await fetchIt(`org/${name}`);
    expect(await adapterPath(`org/${name}`, { cache })).toBe(snapshot);
  }
});
