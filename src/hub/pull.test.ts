import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanCacheDir } from "@huggingface/hub";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cachedModel, modelDirectory } from "./cache.ts";
import { ChecksumError, HubError } from "./errors.ts";
import { type PullOptions, pull } from "./pull.ts";
import type { PullEvent } from "./settings.ts";
import { checksumOf, type HubServer, newCommit, startHub } from "./testing/hub-server.ts";

/** Bytes in no pattern that a mistaken offset would reproduce. */
function noise(length: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** For machines that have much else to do. */
const patient = { timeout: 50_000 };

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const weights = noise(300_000);
const files = {
  "README.md": Buffer.from("a model"),
  "config.json": json({ model_type: "mplug-owl" }),
  "tokenizer.json": noise(5_000, 2),
  "tokenizer_config.json": json({}),
  "generation_config.json": Buffer.of(),
  "model.safetensors": weights,
  "pytorch_model.bin": noise(2_000, 3),
  "onnx/model.onnx": noise(2_000, 4),
};
const smallBytes = files["config.json"].length + 2 + 5_000;
const needed = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];

let hub: HubServer;
let cache: string;
let events: PullEvent[];
let first: string;

beforeEach(async () => {
  hub = await startHub();
  cache = mkdtempSync(join(tmpdir(), "owl-hub-"));
  events = [];
  first = newCommit();
  hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files } });
});
afterEach(async () => {
  await hub.stop();
  rmSync(cache, { recursive: true });
});

const fetchIt = (name = "org/model", options: PullOptions = {}) =>
  pull(name, { cache, endpoint: hub.url, retryDelay: 1, onEvent: (event) => events.push(event), ...options });

/** What a promise is rejected with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => error,
  );

const folder = (name = "model"): string => join(cache, `models--org--${name}`);
const blobs = (): string[] => readdirSync(join(folder(), "blobs"));
const blobOf = (bytes: Buffer): string => join(folder(), "blobs", checksumOf(bytes));
/** Cuts the connection of the weights, when what was sent has been read. */
const cutWeights = (after: number, times: number): void => {
  const arrived = () => events.reduce((sum, e) => (e.kind === "progress" ? e.bytes : sum), 0) - smallBytes;
  hub.trouble.cut.set("model.safetensors", { after, times, until: (sent) => arrived() >= sent });
};
const sentFor = (path: string): number[] =>
  hub.served.filter((served) => served.path === path).map(({ sent }) => sent);

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

    const { "pytorch_model-2.bin": _, ...rest } = held;
    hub.repos.set("org/broken", { refs: { main: first }, commits: { [first]: rest } });
    const error = await failureOf(fetchIt("org/broken"));
    expect(String(error)).toMatch(/HubError: org\/broken: must hold .*\n {2}pytorch_model-2.bin, named by/);
  });

  it("is an adapter where the repo is one", async () => {
    const held = { "adapter_config.json": json({ r: 8 }), "adapter_model.safetensors": noise(2_000, 7) };
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

    events = [];
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

describe("a file that is not what the hub describes", () => {
  it.each(["model.safetensors", "config.json"] as const)("%s: is named and not kept", async (name) => {
    hub.trouble.corrupt.add(name);
    const error = await failureOf(fetchIt());
    expect(error).toBeInstanceOf(ChecksumError);
    const algorithm = name === "config.json" ? "git-sha1" : "sha256";
    expect(String(error)).toContain(
      `${name}: must have the ${algorithm} checksum ${checksumOf(files[name])}`,
    );
    expect(blobs().filter((blob) => blob.startsWith(checksumOf(files[name])))).toEqual([]);
    expect(existsSync(join(folder(), "snapshots", first, name))).toBe(false);
    expect(existsSync(join(folder(), "refs", "main"))).toBe(false);

    hub.trouble.corrupt.clear();
    const { directory } = await fetchIt();
    expect(readFileSync(join(directory, name)).equals(files[name])).toBe(true);
  });

  it("is found out where the beginning that was kept is wrong", async () => {
    cutWeights(100_000, 1);
    const stop = new AbortController();
    const onEvent = (event: PullEvent): void => {
      events.push(event);
      if (event.kind === "retry") stop.abort();
    };
    await failureOf(fetchIt("org/model", { signal: stop.signal, onEvent }));
    writeFileSync(`${blobOf(weights)}.incomplete`, Buffer.alloc(100_000));
    expect(await failureOf(fetchIt())).toBeInstanceOf(ChecksumError);
    expect((await fetchIt()).fetchedBytes).toBe(300_000);
  });

  it("is found out where another program wrote into it", async () => {
    let release = (): void => undefined;
    hub.trouble.hold.set("model.safetensors", new Promise((resolve) => (release = resolve)));
    const failure = failureOf(fetchIt());
    const partial = `${blobOf(weights)}.incomplete`;
    await expect.poll(() => existsSync(partial) && statSync(partial).size, patient).toBe(150_000);
    appendFileSync(partial, "x");
    release();
    expect(await failure).toBeInstanceOf(ChecksumError);
    expect(String(await failure)).toMatch(/must have 300000 bytes, got 300001 \(does another program/);
    expect(blobs().filter((blob) => blob.startsWith(checksumOf(weights)))).toEqual([]);
  });

  it.each([
    "../escaped.json",
    "/escaped.json",
    "a/../../b",
    "C:\\x",
    "a\\..\\..\\b",
    "a//b",
    "a\nb",
  ])("a name that leads out of the repo (%j) is refused before anything is fetched", async (name) => {
    const held = { ...files, [name]: json({}) };
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: held } });
    const error = await failureOf(fetchIt("org/model", { all: true }));
    expect(error).toBeInstanceOf(HubError);
    expect(String(error)).toContain(JSON.stringify(name));
    expect(hub.served).toEqual([]);
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe("an answer that is not a hub's", () => {
  const lies: [question: string, answer: string][] = [
    ["revision", "<html>log in first</html>"],
    ["revision", "null"],
    ["revision", '{"sha": "../../etc"}'],
    ["tree", "null"],
    ["tree", "[null, 5]"],
    ["tree", '[{"type": "file", "path": "config.json", "size": -1, "oid": "../x"}]'],
    ["tree", `[{"type": "file", "path": {}, "size": 1, "oid": "${"a".repeat(40)}"}]`],
  ];
  it.each(lies)("%s: %s", async (question, answer) => {
    hub.trouble.api.set(question, answer);
    expect(await failureOf(fetchIt())).toBeInstanceOf(HubError);
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe("who may read", () => {
  it("a private repo opens with its token, which the CDN never sees", async () => {
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files }, token: "hf_right" });
    expect(String(await failureOf(fetchIt()))).toMatch(
      /HubError: org\/model: must be a repo that you may read, got status 401 \("Invalid username or password."\); .*set HF_TOKEN/,
    );
    expect(String(await failureOf(fetchIt("org/model", { token: "hf_wrong" })))).toMatch(
      /org\/model: must be a model repo of http.*got status 404/,
    );
    await fetchIt("org/model", { token: "hf_right" });
    const seen = (path: string) => hub.served.find((served) => served.path === path)?.authorization;
    expect(seen("config.json")).toBe("Bearer hf_right");
    expect(seen("model.safetensors")).toBeUndefined();
  });

  it("a gated repo says where its conditions are accepted", async () => {
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files }, gated: true });
    const error = String(await failureOf(fetchIt()));
    expect(error).toMatch(
      /must be open to you, got status 403 .*accept its conditions at http.*\/org\/model/,
    );
  });

  it.each([
    "",
    "a/b/c",
    "org/..",
    "org/na--me",
    "org/name@",
    "org/name@../x",
    "../x",
    "org/x.git",
  ])("%j is no repo", async (name) => {
    expect(await failureOf(fetchIt(name))).toBeInstanceOf(HubError);
    expect(hub.asked).toEqual([]);
  });
});

describe("revisions", () => {
  const second = newCommit();
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
  await expect.poll(() => events.some(waits), patient).toBe(true);
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
