import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { builtOwl } from "../../tests/setup/programs.ts";
import { saveAdapter } from "../checkpoint/index.ts";
import { float32 } from "../tensor/index.ts";
import { runCli } from "./program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const model = join(root, "models/owl-nano");
const folder = mkdtempSync(join(tmpdir(), "owl-serve-"));
const page = join(folder, "page");
mkdirSync(join(page, "assets"), { recursive: true });
writeFileSync(join(page, "index.html"), "<!doctype html><title>owl</title>");
writeFileSync(join(page, "assets/index.js"), "export {};");
afterAll(() => rmSync(folder, { recursive: true }));

/** A layer of the shipped owl, for an adapter: width × width numbers. */
const projection = "base_model.model.language_model.model.layers.0.self_attn.o_proj";
const width = 256;

/** `owl serve` as a process of its own. */
interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it said on standard error so far. */
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

async function serving(...words: readonly string[]): Promise<Serving> {
  const [node, program] = await builtOwl();
  const all = [program, "serve", model, "--port", "0", "--threads", "1", ...words];
  const child = spawn(node, all, { cwd: root, env: { ...process.env, OWL_API_KEY: undefined } });
  running.add(child);
  let err = "";
  let out = "";
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (bytes: Buffer) => {
      out += bytes;
      const url = /^owl-nano(?:, .*)?: (http:\S+)\n/.exec(out)?.[1];
      if (url !== undefined) resolve({ child, url, said: () => err, ended });
    });
    void ended.then((code) => reject(new Error(`owl serve ended with ${code} before it listened: ${err}`)));
  });
}

/** Two answers that only their length ends, as a stream of events. */
const endless = {
  model: "owl-nano",
  messages: [{ role: "user", content: "hello" }],
  repetition_penalty: 0.05,
  max_tokens: 150,
  n: 2,
  stream: true,
};

function ask(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** What is left of a stream, and whether it was cut. */
async function restOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<{ text: string; cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { text, cut: false };
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    return { text, cut: true };
  }
}

/** A reply's status, once it was read: connections with unread replies are waited for in the end. */
async function statusOf(asking: Promise<Response>): Promise<number> {
  const reply = await asking;
  await reply.text();
  return reply.status;
}

async function started(reply: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  expect(reply.status).toBe(200);
  const reader = reply.body!.getReader();
  await reader.read();
  return reader;
}

describe("owl serve as a process", () => {
  it("guards every route by its key, and SIGTERM lets answers under way end", async () => {
    const { child, url, ended, said } = await serving("--api-key", "a key", "--web", page);
    const paths = ["/", "/index.html", "/assets/index.js", "/v1/models", "/metrics", "/healthz", "/nowhere"];
    for (const path of [...paths, "/models/owl-nano/config.json"]) {
      expect(await statusOf(fetch(url + path)), path).toBe(401);
      const headers = { authorization: `Basic ${btoa("owl:a key")}` };
      expect(await statusOf(fetch(url + path, { headers })), path).toBe(path === "/nowhere" ? 404 : 200);
    }
    for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/feedback", "/v1/attention"]) {
      expect(await statusOf(fetch(url + path, { method: "POST" })), path).toBe(401);
    }

    const headers = { authorization: "Bearer a key" };
    const reader = await started(await ask(url, endless, headers));
    child.kill("SIGTERM");
    await expect.poll(said, { timeout: 60_000 }).toContain("ending the answers under way");
    // Refused by the server while the answer goes on, by the system afterwards.
    const refused = await ask(url, { ...endless, n: 1 }, headers).catch(() => undefined);
    expect(refused?.status ?? 503).toBe(503);
    const { text, cut } = await restOf(reader);
    expect({ cut, ends: text.match(/"finish_reason":"length"/g)?.length }).toEqual({ cut: false, ends: 2 });
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
    expect(said()).not.toMatch(/Error|^\s+at /m);
  }, 300_000);

  it("answers to the names that are allowed, and leaves the oldest turns out where it is started so", async () => {
    const words = ["--no-web", "--allow-host", "owl.example", "--allow-host", "Other.Example"];
    const { url } = await serving(...words, "--truncation", "auto");
    const statuses = ["owl.example", "OTHER.example:443", "localhost", "evil.example"].map(
      (host) =>
        new Promise((resolve, reject) => {
          const asked = request(`${url}/healthz`, { headers: { host } }, (reply) => {
            reply.resume();
            resolve(reply.statusCode);
          });
          asked.on("error", reject).end();
        }),
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 403]);
    const turn = [
      { role: "user", content: "what do cats eat?" },
      { role: "assistant", content: "mice." },
    ];
    const messages = [...Array.from({ length: 160 }, () => turn).flat(), turn[0]];
    const reply = await ask(url, { model: "owl-nano", messages, max_tokens: 4 });
    expect(reply.status).toBe(200);
    expect(await reply.text()).toContain("oldest turns were left out");
  }, 300_000);

  it("gives out the files of directories, and none of a GGUF file, which browsers do not run", async () => {
    const file = join(root, "tests/fixtures/gguf/llama-q4_k_m.gguf");
    const { url } = await serving(`one-file=${file}`, "--no-web");
    const listed = (await (await fetch(`${url}/v1/models`)).json()) as { data: object[] };
    expect(listed.data).toMatchObject([
      { id: "owl-nano", files: true },
      { id: "one-file", files: false },
    ]);
    expect(await statusOf(fetch(`${url}/models/owl-nano/config.json`))).toBe(200);
    expect(await statusOf(fetch(`${url}/models/one-file/config.json`))).toBe(404);
  }, 300_000);

  it("gives out no files where an adapter answers, without which the answers would be other ones", async () => {
    const lora = join(folder, "adapter");
    await saveAdapter(lora, {
      settings: { rank: 1, alpha: 1, dropout: 0, targetModules: ["o_proj"] },
      lora: new Map([
        [`${projection}.lora_A.weight`, float32(new Float32Array(width), [1, width])],
        [`${projection}.lora_B.weight`, float32(new Float32Array(width), [width, 1])],
      ]),
      replaced: new Map(),
    });
    const { url } = await serving("--adapter", lora, "--no-web");
    const listed = (await (await fetch(`${url}/v1/models`)).json()) as { data: object[] };
    expect(listed.data).toMatchObject([{ id: "owl-nano", files: false }]);
  }, 300_000);

  it("asked a second time it ends at once", async () => {
    const { child, url, ended, said } = await serving("--no-web");
    const readers = await Promise.all(
      Array.from({ length: 4 }, async () =>
        (await ask(url, { ...endless, max_tokens: 4000, n: 8 })).body!.getReader(),
      ),
    );
    child.kill("SIGTERM");
    await expect.poll(said, { timeout: 60_000 }).toContain("once more ends at once");
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const rests = await Promise.all(readers.map(restOf));
    expect(rests.some(({ text }) => !text.includes("[DONE]"))).toBe(true);
  }, 300_000);
});

/** `owl` in this process, which saves the start of another. */
async function owlHere(...words: readonly string[]): Promise<{ code: number; err: string }> {
  let err = "";
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    err += chunk;
    return true;
  });
  try {
    return { code: await runCli(words), err };
  } finally {
    spy.mockRestore();
  }
}

describe("a mistake", () => {
  it("a port that somebody else has", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    expect(await owlHere("serve", model, "--port", `${port}`)).toEqual({
      code: 2,
      err: expect.stringMatching(`^owl: serve: --port must be free, got ${port}, .*--port 0`),
    });
    other.close();
  });

  const mistakes: [says: string, words: string[], code: number, text: string][] = [
    ["no such model", ["./nowhere"], 2, "./nowhere: must be a model directory"],
    ["a directory without a model", [page, "--port", "0"], 1, "config.json"],
    [
      "a directory that is no page",
      [model, "--web", "./nowhere"],
      2,
      "--web must be the directory of a built page",
    ],
    ["two models of one name", [model, `owl-nano=${model}`], 2, "got owl-nano twice; write NAME=MODEL"],
    [
      "others, and no key",
      [model, "--host", "0.0.0.0"],
      2,
      "give --api-key (or OWL_API_KEY), or --no-api-key",
    ],
    ["an empty key", [model, "--api-key", ""], 2, "the API key must not be empty"],
    ["a port that is none", [model, "--port", "70000"], 2, "It must be a port"],
    ["a host that is none", [model, "--allow-image-host", "https://example.org/"], 2, "It must be a host"],
    ["a name with a port", [model, "--allow-host", "owl.example:80"], 2, "a host's name without a port"],
    ["a truncation that is none", [model, "--truncation", "always"], 2, "Allowed choices are auto, disabled"],
    ["an origin that is none", [model, "--allow-origin", "example.org"], 2, "It must be an origin"],
    [
      "a host that is not here",
      [model, "--host", "192.0.2.1", "--api-key", "k"],
      2,
      "--host must be an address of this machine, got 192.0.2.1",
    ],
  ];
  it.each(mistakes)("%s: says so and ends with a code, without a stack", async (_, words, code, text) => {
    const outcome = await owlHere("serve", ...words);
    expect(outcome).toEqual({ code, err: expect.stringContaining(text) });
    expect(outcome.err).not.toMatch(/^\s+at /m);
  });
});
