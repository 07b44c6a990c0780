import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HubError } from "./errors.ts";
import { pull } from "./pull.ts";
import { type PushOptions, push } from "./push.ts";
import { checksumOf, type HubServer, newCommit, startHub } from "./testing/hub-server.ts";
import { servedFiles } from "./testing/uploads.ts";

const fixture = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
const names = ["config.json", "model.safetensors"];

let hub: HubServer;
let folder: string;
let model: string;
beforeEach(async () => {
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) vi.stubEnv(name, "");
  vi.stubEnv("HF_TOKEN_PATH", "nowhere");
  hub = await startHub();
  folder = mkdtempSync(join(tmpdir(), "owl-push-"));
  model = join(folder, "model");
  mkdirSync(model);
  for (const name of names) cpSync(join(fixture, name), join(model, name));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(folder, { recursive: true });
});

const send = (name = "org/mine", options: PushOptions = {}, directory = model) =>
  push(directory, name, { endpoint: hub.url, token: hub.uploads.token, ...options });
const here = (name: string): string => checksumOf(readFileSync(join(model, name)));

test("a model is in a new repo as it lies here, with its card, and comes back the same", async () => {
  const done: number[] = [];
  const onProgress = (bytes: number) => done.push(bytes);
  const report = await send("org/mine", { card: "# mine", onProgress });
  expect(report).toMatchObject({ card: "# mine", address: `${hub.url}/org/mine`, leftOut: [] });
  const repo = hub.repos.get("org/mine")!;
  expect(repo.refs.main).toBe(report.commit);
  expect(servedFiles(repo)).toMatchObject({
    "README.md": checksumOf(Buffer.from("# mine")),
    "config.json": here("config.json"),
    "model.safetensors": here("model.safetensors"),
  });
  const size = readFileSync(join(model, "model.safetensors")).length;
  expect(done.at(-1)).toBeGreaterThanOrEqual(size);
  const { directory } = await pull("org/mine", { endpoint: hub.url, cache: join(folder, "cache") });
  expect(checksumOf(readFileSync(join(directory, "model.safetensors")))).toBe(here("model.safetensors"));
});

test("the token goes to the hub alone, and nothing goes to another address", async () => {
  await send();
  const { requests } = hub.uploads;
  const stored = requests.filter(({ address }) => address.includes("/upload/"));
  expect(stored.length).toBeGreaterThan(0);
  expect(stored.every(({ authorization }) => authorization === undefined)).toBe(true);
  const others = requests.filter(({ address }) => !address.includes("/upload/"));
  expect(others.every(({ address }) => address.startsWith(hub.url))).toBe(true);
  expect(others.every(({ authorization }) => authorization === "Bearer hf_write")).toBe(true);
});

test("a README.md stays as it is, that of the directory and that of the repo", async () => {
  await send("org/mine", { card: "# made" });
  const again = await send("org/mine", { card: "# made again" });
  expect(again.card).toBeUndefined();
  const repo = hub.repos.get("org/mine")!;
  expect(servedFiles(repo)["README.md"]).toBe(checksumOf(Buffer.from("# made")));
  writeFileSync(join(model, "README.md"), "# by hand");
  expect((await send("org/mine", { card: "# made" })).card).toBeUndefined();
  expect(servedFiles(repo)["README.md"]).toBe(checksumOf(Buffer.from("# by hand")));
});

test("--private, a branch, and a dry run", async () => {
  const dry = await send("org/mine@trial", { dryRun: true, card: "# mine", token: undefined });
  expect(dry).toMatchObject({ commit: undefined, card: "# mine" });
  expect(dry.files).toContainEqual({
    path: "config.json",
    bytes: readFileSync(join(model, "config.json")).length,
  });
  expect(hub.uploads.requests).toEqual([]);
  expect(hub.asked).toEqual([]);
  await send("org/mine@trial", { private: true });
  const repo = hub.repos.get("org/mine")!;
  expect(repo.token).toBe("hf_write");
  expect(Object.keys(servedFiles(repo))).toEqual([".gitattributes"]);
  expect(servedFiles(repo, "trial")["config.json"]).toBe(here("config.json"));
  const commit = newCommit();
  hub.repos.set("org/public", { refs: { main: commit }, commits: { [commit]: {} } });
  await expect(send("org/public", { private: true })).rejects.toThrow("got one that everybody reads");
});

test("a training's state and hidden files stay here", async () => {
  mkdirSync(join(model, "state"));
  for (const name of ["state/optimizer.safetensors", "optimizer.pt", ".DS_Store", "training_state.json"]) {
    writeFileSync(join(model, name), "x");
  }
  mkdirSync(join(model, "onnx"));
  writeFileSync(join(model, "onnx/model.onnx"), "x");
  const { leftOut, files } = await send("org/mine", { dryRun: true });
  expect([...leftOut]).toEqual([".DS_Store", "optimizer.pt", "state", "training_state.json"]);
  expect(files.map(({ path }) => path)).toContain("onnx/model.onnx");
});

test.each([
  ["/home/her/models/my-owl/", "my-owl"],
  ["/home/her/.cache/huggingface/hub/models--org--base/snapshots/0123", "org/base"],
  ["C:\\Users\\her\\my-owl", "my-owl"],
  ["../bases/my-owl", "my-owl"],
  ["~/my-owl", "my-owl"],
  ["org/base", undefined],
  ["https://hub.example/base", undefined],
])("an adapter's base model is sent by its name, not by where it lies here: %s", async (base, name) => {
  const adapter = join(folder, "adapter");
  mkdirSync(adapter);
  const config = JSON.stringify({ r: 8, base_model_name_or_path: base });
  writeFileSync(join(adapter, "adapter_config.json"), config);
  writeFileSync(join(adapter, "adapter_model.safetensors"), "x");
  const { bases, files, commit } = await send("org/lora", {}, adapter);
  expect(bases).toEqual(name === undefined ? {} : { "adapter_config.json": name });
  const { directory } = await pull(`org/lora@${commit}`, { endpoint: hub.url, cache: join(folder, "cache") });
  const sent = readFileSync(join(directory, "adapter_config.json"), "utf8");
  expect(JSON.parse(sent)).toEqual({ r: 8, base_model_name_or_path: name ?? base });
  expect(files).toContainEqual({ path: "adapter_config.json", bytes: Buffer.byteLength(sent) });
  expect(readFileSync(join(adapter, "adapter_config.json"), "utf8")).toBe(config);
});

test("secrets are refused by their files, and nothing is sent", async () => {
  writeFileSync(join(model, ".env"), "A=b");
  writeFileSync(join(model, "notes.md"), `the token is hf_${"a".repeat(34)}`);
  await expect(send()).rejects.toThrow(/must hold no secrets to be sent, got \.env, notes\.md/);
  expect(hub.uploads.requests).toEqual([]);
});

test("what is no finished model is refused, with the next step", async () => {
  const [empty, run] = [join(folder, "empty"), join(folder, "run")];
  mkdirSync(empty);
  await expect(send("org/mine", {}, empty)).rejects.toThrow("a finished model or an adapter, got no file");
  await expect(send("org/mine", {}, join(folder, "none"))).rejects.toThrow("no such directory");
  const file = join(model, "config.json");
  await expect(send("org/mine", {}, file)).rejects.toThrow("got a file; name the directory that it lies in");
  mkdirSync(join(run, "state"), { recursive: true });
  mkdirSync(join(run, "start"));
  await expect(send("org/mine", {}, run)).rejects.toThrow();
  cpSync(model, join(run, "model"), { recursive: true });
  rmSync(join(run, "state"), { recursive: true });
  expect((await send("org/mine", { dryRun: true }, run)).files.map(({ path }) => path)).toEqual(names);
  rmSync(join(model, "model.safetensors"));
  writeFileSync(
    join(model, "model.safetensors.index.json"),
    JSON.stringify({ weight_map: { a: "model-00001-of-00002.safetensors" } }),
  );
  await expect(send()).rejects.toThrow("must agree with the files it names");
});

test("no token, a strange one, one that may not write, a name without an owner", async () => {
  await expect(send("org/mine", { token: undefined })).rejects.toThrow("got none; set HF_TOKEN");
  await expect(send("org/mine", { token: "mine" })).rejects.toThrow("which begins with hf_");
  vi.stubEnv("HF_TOKEN", "hf_other");
  const refused = await send("org/mine", { token: undefined }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(HubError);
  expect(String(refused)).toContain("take a token that may write there (that of HF_TOKEN was sent)");
  await expect(send("mine")).rejects.toThrow("got no owner");
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  await expect(send()).rejects.toThrow("got HF_HUB_OFFLINE");
  vi.stubEnv("HF_HUB_OFFLINE", "");
  await hub.stop();
  await expect(send()).rejects.toThrow("the same command goes on");
});
