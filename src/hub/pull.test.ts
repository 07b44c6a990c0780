import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { scanCacheDir } from "@huggingface/hub";
import { beforeEach, describe, expect, it } from "vitest";
import { cachedModel } from "./cache.ts";
import { HubError } from "./errors.ts";
import { modelDirectory } from "./model-directory.ts";
import type { PullEvent } from "./settings.ts";
import {
  blobOf,
  blobs,
  cache,
  cutWeights,
  events,
  failureOf,
  fetchIt,
  files,
  first,
  folder,
  hub,
  json,
  needed,
  noise,
  sentFor,
  slowPoll,
  smallBytes,
  weights,
} from "./testing/pulling.ts";

describe("what comes", () => {
  it("lies in the hub's own layout, named by its checksum, and only what a model needs", async () => {
    const { directory, commit, fetchedBytes } = await fetchIt();
    expect({ commit, directory }).toEqual({ commit: first, directory: join(folder(), "snapshots", first) });
    expect(readdirSync(directory).sort()).toEqual([...needed, "tokenizer_config.json"].sort());
    for (const name of readdirSync(directory)) {
      const bytes = files[name as keyof typeof files];
      expect(readFileSync(join(directory, name)).equals(bytes), name).toBe(true);
      expect(realpathSync(join(directory, name))).toBe(realpathSync(blobOf(bytes)));
    }
    expect(readFileSync(join(folder(), "refs", "main"), "utf8")).toBe(first);
    expect(blobs().filter((name) => name.endsWith(".incomplete"))).toEqual([]);
    const sizes = readdirSync(directory).map((name) => files[name as keyof typeof files].length);
    expect(fetchedBytes).toBe(sizes.reduce((sum, size) => sum + size));
    expect(events.at(0)).toMatchObject({ kind: "start", files: 5, totalBytes: fetchedBytes, bytes: 0 });
    expect(events.at(-1)).toMatchObject({ kind: "progress", bytes: fetchedBytes, totalBytes: fetchedBytes });
  });

  it("is read by the hub's own library", async () => {
    await fetchIt();
    const { repos, warnings } = await scanCacheDir(cache);
    expect(warnings).toEqual([]);
    expect(repos).toMatchObject([
      { id: { type: "model", name: "org/model" }, revisions: [{ commitOid: first, refs: ["main"] }] },
    ]);
    expect(repos[0].revisions[0].files).toHaveLength(5);
  });

  it("is everything where everything is asked for", async () => {
    const { directory } = await fetchIt("org/model", { all: true });
    const found = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
    expect(found).toEqual([...Object.keys(files), "onnx"].sort());
    expect(readFileSync(join(directory, "onnx/model.onnx")).equals(files["onnx/model.onnx"])).toBe(true);
  });

  it("is PyTorch's where there is no other, and the shards that an index names", async () => {
    const index = json({ weight_map: { a: "pytorch_model-1.bin", b: "pytorch_model-2.bin" } });
    const shards = { "pytorch_model-1.bin": noise(3_000, 5), "pytorch_model-2.bin": noise(4_000, 6) };
    const held = { "config.json": files["config.json"], "pytorch_model.bin.index.json": index, ...shards };
    hub.repos.set("org/shards", {
      refs: { main: first },
      commits: { [first]: { ...held, "x.bin": weights } },
    });
    const { directory } = await fetchIt("org/shards");
    expect(readdirSync(directory).sort()).toEqual(Object.keys(held).sort());

    // Whole files count before indices of shards that are gone.
    const stale = json({ weight_map: { a: "model-00001-of-00002.safetensors" } });
    const both = {
      "config.json": files["config.json"],
      "model.safetensors": weights,
      "model.safetensors.index.json": stale,
    };
    hub.repos.set("org/stale", { refs: { main: first }, commits: { [first]: both } });
    const whole = await fetchIt("org/stale");
    expect(readdirSync(whole.directory).sort()).toEqual(["config.json", "model.safetensors"]);
    expect((await fetchIt("org/stale")).fetchedBytes).toBe(0);

    const { "pytorch_model-2.bin": _, ...rest } = held;
    hub.repos.set("org/broken", { refs: { main: first }, commits: { [first]: rest } });
    const error = await failureOf(fetchIt("org/broken"));
    expect(String(error)).toMatch(/HubError: org\/broken: must hold .*\n {2}pytorch_model-2.bin, named by/);
  });

  it("is an adapter where the repo is one", async () => {
    const held = {
      "adapter_config.json": json({ r: 8 }),
      "adapter_model.safetensors": noise(2_000, 7),
      "non_lora_trainables.bin": noise(500, 8),
    };
    hub.repos.set("org/lora", { refs: { main: first }, commits: { [first]: held } });
    const { directory } = await fetchIt("org/lora");
    expect(readdirSync(directory).sort()).toEqual(Object.keys(held));
    expect(await cachedModel("org/lora", { cache })).toBe(directory);
  });

  it("is refused where the repo holds no model", async () => {
    hub.repos.set("org/data", { refs: { main: first }, commits: { [first]: { "a.csv": json(1) } } });
    const error = await failureOf(fetchIt("org/data"));
    expect(error).toBeInstanceOf(HubError);
    expect(String(error)).toMatch(/org\/data: must hold config.json .*got a.csv; --all/);
  });
});

describe("a connection that is cut", () => {
  it("is gone on with where it ended, by Range, and nothing comes twice", async () => {
    cutWeights(120_000, 2);
    const { directory, fetchedBytes } = await fetchIt();
    expect(readFileSync(join(directory, "model.safetensors")).equals(weights)).toBe(true);
    const requests = hub.served.filter(({ path }) => path === "model.safetensors");
    expect(requests.map(({ range }) => range)).toEqual([undefined, "bytes=120000-", "bytes=240000-"]);
    expect(sentFor("model.safetensors")).toEqual([120_000, 120_000, 60_000]);
    expect(events.filter(({ kind }) => kind === "retry")).toHaveLength(2);
    expect(fetchedBytes).toBe(events.flatMap((e) => (e.kind === "start" ? e.totalBytes : []))[0]);
  });

  it("keeps what came for the next call where the hub does not come back", async () => {
    cutWeights(100_000, 1);
    const stop = new AbortController();
    const onEvent = (event: PullEvent): void => {
      events.push(event);
      if (event.kind === "retry") stop.abort();
    };
    expect(await failureOf(fetchIt("org/model", { signal: stop.signal, onEvent }))).toBe(stop.signal.reason);
    expect(readFileSync(`${blobOf(weights)}.incomplete`).length).toBe(100_000);
    expect(await cachedModel("org/model", { cache })).toBeUndefined();

    events.length = 0;
    const { fetchedBytes } = await fetchIt();
    expect(fetchedBytes).toBe(200_000);
    expect(sentFor("model.safetensors")).toEqual([100_000, 200_000]);
    expect(events[0]).toMatchObject({
      kind: "start",
      bytes: 100_000 + smallBytes,
    });
    expect(await cachedModel("org/model", { cache })).toBeDefined();
  });

  it("begins anew where the server sends everything whatever was asked for", async () => {
    cutWeights(100_000, 1);
    hub.trouble.ignoreRange.add("model.safetensors");
    const { directory } = await fetchIt();
    expect(readFileSync(join(directory, "model.safetensors")).equals(weights)).toBe(true);
    expect(sentFor("model.safetensors")).toEqual([100_000, 300_000]);
    expect(events.at(-1)).toMatchObject({ bytes: 300_000 + smallBytes });
  });

  it("is tried again while the hub is overloaded, and given up with what came kept", async () => {
    hub.trouble.status.set("tokenizer.json", { status: 503, times: 2 });
    hub.trouble.status.set("model.safetensors", { status: 503, times: 100 });
    const error = await failureOf(fetchIt());
    expect(String(error)).toMatch(/must answer, got status 503 \(tried 5 times\); what has come is kept/);
    expect(existsSync(blobOf(files["tokenizer.json"]))).toBe(true);
  });

  it("says that nobody answers", async () => {
    await hub.stop();
    const error = await failureOf(fetchIt());
    expect(error).toBeInstanceOf(HubError);
    expect(String(error)).toMatch(/http:\/\/127.0.0.1:\d+: must answer, got .*ECONNREFUSED/);
  });
});

describe("revisions", () => {
  const second = "5ec0".repeat(10);
  const newer = { ...files, "config.json": json({ newer: true }) };
  beforeEach(() => {
    const refs = { main: first, v2: second, "refs/pr/1": second };
    hub.repos.set("org/model", { refs, commits: { [first]: files, [second]: newer } });
  });

  it.each(["v2", "refs/pr/1", second])("%s: a tag, a pull request, a commit", async (revision) => {
    const { commit, directory } = await fetchIt(`org/model@${revision}`);
    expect(commit).toBe(second);
    expect(readFileSync(join(directory, "config.json")).equals(newer["config.json"])).toBe(true);
    expect(await cachedModel(`org/model@${revision}`, { cache })).toBe(directory);
    expect(await cachedModel("org/model", { cache })).toBeUndefined();
  });

  it("one that is not there is named", async () => {
    const error = String(await failureOf(fetchIt("org/model@v3")));
    expect(error).toMatch(/org\/model: must have the revision v3 .*\("Invalid rev id: v3"\)/);
  });

  it("a branch that has moved is followed where that is asked for, and shares what has not changed", async () => {
    await fetchIt();
    hub.repos.set("org/model", { refs: { main: second }, commits: { [second]: newer } });
    expect(await fetchIt()).toMatchObject({ commit: first, fetchedBytes: 0 });
    const { commit, fetchedBytes } = await fetchIt("org/model", { update: true });
    expect({ commit, fetchedBytes }).toEqual({ commit: second, fetchedBytes: newer["config.json"].length });
    expect(await cachedModel("org/model", { cache })).toContain(second);
  });
});

describe("a repo that is in the cache", () => {
  it("needs no network, and its name stands for its directory", async () => {
    const { directory } = await fetchIt();
    await hub.stop();
    expect(await fetchIt()).toEqual({ directory, commit: first, fetchedBytes: 0 });
    expect(await fetchIt(`org/model@${first}`, { offline: true })).toMatchObject({ directory });
    expect(await modelDirectory("org/model", { cache })).toBe(directory);
    expect(await modelDirectory(cache)).toBe(cache);
  });

  it("is not taken for whole while a file is missing", async () => {
    const { directory } = await fetchIt();
    rmSync(join(directory, "model.safetensors"));
    const error = String(await failureOf(modelDirectory("org/model", { cache })));
    expect(error).toMatch(
      /must be a model directory .*or a repo .*got neither; `owl pull org\/model` fetches it/,
    );
    expect(await fetchIt()).toMatchObject({ fetchedBytes: 0 });
    expect(await modelDirectory("org/model", { cache })).toBe(directory);
  });

  it("is missed without the network: what to do is said", async () => {
    const error = await failureOf(fetchIt("org/model", { offline: true }));
    expect(error).toBeInstanceOf(HubError);
    expect(String(error)).toMatch(
      /must be in the hub's cache, got the wish to stay offline; pull again without/,
    );
    expect(hub.asked).toEqual([]);
  });
});

it("two at once fetch every byte once", async () => {
  let release = (): void => undefined;
  hub.trouble.hold.set("model.safetensors", new Promise((resolve) => (release = resolve)));
  const both = Promise.all([fetchIt(), fetchIt()]);
  // They may meet at a smaller file already; at the weights they do.
  const waits = (e: PullEvent): boolean => e.kind === "waiting" && e.file === "model.safetensors";
  await expect.poll(() => events.some(waits), slowPoll).toBe(true);
  release();
  const [one, other] = await both;
  expect(one.directory).toBe(other.directory);
  expect(readFileSync(join(one.directory, "model.safetensors")).equals(weights)).toBe(true);
  expect(hub.served.reduce((sum, { sent }) => sum + sent, 0)).toBe(one.fetchedBytes + other.fetchedBytes);
  expect(sentFor("model.safetensors")).toEqual([300_000]);
});

it("asks for room on the disk before it begins", async () => {
  const huge = Buffer.from(weights);
  Object.defineProperty(huge, "length", { value: 2 ** 52 });
  const held = { "config.json": json({}), "model.safetensors": huge };
  hub.repos.set("org/huge", { refs: { main: first }, commits: { [first]: held } });
  const error = String(await failureOf(fetchIt("org/huge")));
  expect(error).toMatch(/must have 4503599.63 GB free, got [\d.]+ GB; make room, or .*HF_HUB_CACHE/);
  expect(hub.served).toEqual([]);
});
