import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { builtOwl } from "../../tests/setup/programs.ts";
import { checksumOf, type HubServer, newCommit, startHub } from "../hub/testing/hub-server.ts";
import { owl as captured } from "./testing/captured.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Running {
  readonly said: { out: string; err: string };
  readonly code: Promise<number | null>;
  interrupt(): void;
}

let hub: HubServer;
let cache: string;
let files: Record<string, Buffer>;

beforeAll(async () => {
  const model = await owlFixture();
  const names = readdirSync(model.directory);
  files = Object.fromEntries(names.map((name) => [name, readFileSync(join(model.directory, name))]));
  model.remove();
});
beforeEach(async () => {
  hub = await startHub();
  cache = mkdtempSync(join(tmpdir(), "owl-hub-"));
  const commit = newCommit();
  hub.repos.set("org/owl", { refs: { main: commit }, commits: { [commit]: files } });
});
afterEach(async () => {
  await hub.stop();
  rmSync(cache, { recursive: true });
});

const environment = (): Record<string, string> => ({ HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache });

/** Runs `owl` as a process of its own. */
async function owl(words: readonly string[]): Promise<Running> {
  const [node, program] = await builtOwl();
  const child = spawn(node, [program, ...words], {
    cwd: root,
    env: { ...process.env, ...environment() },
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (bytes: Buffer) => {
    said.out += bytes;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    said.err += bytes;
  });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { said, code, interrupt: () => child.kill("SIGINT") };
}

/** The same in this process, which saves the start of another. */
async function owlHere(words: readonly string[], more: Record<string, string> = {}) {
  for (const [name, value] of Object.entries({ ...environment(), ...more })) vi.stubEnv(name, value);
  try {
    return await captured(...words);
  } finally {
    vi.unstubAllEnvs();
  }
}

const weights = (): Buffer => files["model.safetensors"];
const sentForWeights = (): number =>
  hub.served.reduce((sum, { path, sent }) => sum + (path === "model.safetensors" ? sent : 0), 0);

it("stops at Ctrl-C with what came, goes on from there, and the repo's name then stands for it", async () => {
  let release = (): void => undefined;
  const rest = new Promise<void>((resolve) => {
    release = resolve;
  });
  hub.trouble.hold.set("model.safetensors", rest);
  const stopped = await owl(["pull", "org/owl"]);
  await expect.poll(() => stopped.said.err, { timeout: 120_000 }).toContain("model.safetensors  ");
  stopped.interrupt();
  expect(await stopped.code).toBe(130);
  expect(stopped.said.err).toContain("interrupted; what has come is kept, and `owl pull org/owl` goes on");
  release();
  hub.trouble.hold.clear();

  const early = await owlHere(["inspect", "org/owl"]);
  expect(early).toMatchObject({ code: 2, err: expect.stringContaining("`owl pull org/owl` fetches it") });
  const resumed = await owlHere(["pull", "org/owl"]);
  expect(resumed).toMatchObject({ code: 0, err: expect.stringMatching(/2\.3 MB, .* of it here already/) });
  const range = hub.served.findLast(({ path }) => path === "model.safetensors")?.range;
  expect(Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1])).toBeGreaterThan(0);
  const directory = resumed.out.trim();
  expect(readFileSync(join(directory, "model.safetensors")).equals(weights())).toBe(true);

  await hub.stop();
  const again = await owlHere(["pull", "org/owl"]);
  expect(again).toEqual({
    code: 0,
    out: `${directory}\n`,
    err: expect.stringContaining("in the cache already"),
  });
  const answered = await owlHere(["chat", "org/owl", "hello", "--max-new-tokens", "2"]);
  expect(answered).toMatchObject({ code: 0, err: expect.stringContaining("cut after 2 tokens") });
  const inspected = await owlHere(["inspect", `org/owl@${directory.slice(-40)}`]);
  expect(inspected.out).toMatch(/^language model +language_model.model.norm.weight/m);
}, 240_000);

it("two processes at once leave one whole copy, fetched once", async () => {
  const both = await Promise.all([owl(["pull", "org/owl"]), owl(["pull", "org/owl"])]);
  // Neither gets the second half before both have asked what there is.
  const bothListed = async (): Promise<void> => {
    while (hub.asked.filter((path) => path.includes("/revision/")).length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  hub.trouble.hold.set("model.safetensors", bothListed());
  const codes = await Promise.all(both.map(({ code }) => code));
  expect(codes, both.map(({ said }) => said.err).join("\n")).toEqual([0, 0]);
  expect(both[0].said.out).toBe(both[1].said.out);
  expect(sentForWeights()).toBe(weights().length);
  const blobs = join(cache, "models--org--owl", "blobs");
  expect(readdirSync(blobs).sort()).toEqual(Object.values(files).map(checksumOf).sort());
  const content = readFileSync(join(blobs, checksumOf(weights())));
  expect(createHash("sha256").update(content).digest("hex")).toBe(checksumOf(weights()));
}, 240_000);

it("says what is wrong, with the exit code of its kind", async () => {
  const wrong = await owlHere(["pull", "not a repo"]);
  const form = expect.stringContaining("org/name/FILE.gguf, got not a repo");
  expect(wrong).toEqual({ code: 2, out: "", err: form });
  const missing = await owlHere(["pull", "org/none"]);
  expect(missing.code).toBe(1);
  expect(missing.err).toMatch(/^owl: org\/none: must be a repo that you may read, got status 401/);
  const offline = await owlHere(["pull", "org/owl"], { HF_HUB_OFFLINE: "1" });
  const hint = expect.stringContaining("must be in the hub's cache, got the wish to stay offline");
  expect(offline).toEqual({ code: 1, out: "", err: hint });
});
