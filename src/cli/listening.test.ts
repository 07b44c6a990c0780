import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtOwl } from "../../tests/setup/programs.ts";
import { engineDefaultWords } from "../inference/index.ts";
import { listeningError, requireListening } from "./listening.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Failed {
  readonly code: number;
  readonly stderr: string;
  readonly stdout: string;
}

/** What a command says that fails. */
async function failing(
  command: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Failed> {
  const options = { cwd: root, env: { ...process.env, ...env } };
  return promisify(execFile)(command, words, options).then(
    () => ({ code: 0, stderr: "", stdout: "" }),
    (error: Failed) => error,
  );
}

describe("where nothing can listen", () => {
  const taken = createServer();
  let port: number;

  beforeAll(async () => {
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    ({ port } = taken.address() as AddressInfo);
  });
  afterAll(() => void taken.close());

  it("a port that is taken is told before a model is read", async () => {
    const [node, program] = await builtOwl();
    const { code, stderr } = await failing(node, [program, "serve", "src", "--port", String(port)]);
    expect(stderr).toBe(
      `owl: serve: --port must be free, got ${port}, where another program listens; give another, as --port ${port < 65_535 ? port + 1 : port - 1}, or --port 0 for any free one\n`,
    );
    expect(code).toBe(2);
  });

  it("npm start tells it before it builds the page", async () => {
    const page = join(tmpdir(), `owl-no-page-${process.pid}`);
    const words = ["start", "--silent", "--", "--port", String(port)];
    const { code, stderr } = await failing("npm", words, { OWL_PAGE_DIRECTORY: page });
    expect(stderr).toMatch(/^owl: serve: --port must be free/);
    expect(code).toBe(2);
    expect(existsSync(page)).toBe(false);
  });

  it("an address of another machine, a port of the system's, and what nobody foresaw", async () => {
    await expect(requireListening("203.0.113.7", 0)).rejects.toThrow(
      "serve: --host must be an address of this machine, got 203.0.113.7 (EADDRNOTAVAIL); leave it out",
    );
    const denied = Object.assign(new Error("listen EACCES"), { code: "EACCES" });
    expect(listeningError(denied, "127.0.0.1", 80).message).toContain(
      "got 80; give one above 1023, as --port 8080",
    );
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere"), { code: "ENOTFOUND" });
    expect(listeningError(unknown, "nowhere", 80).message).toContain("got nowhere (ENOTFOUND)");
    expect(listeningError(new Error("odd"), "::1", 80).message).toBe(
      "serve: must be able to listen on ::1:80, got odd",
    );
  });

  it("a free port stays free", async () => {
    await requireListening("127.0.0.1", 0);
    await expect(requireListening("127.0.0.1", port)).rejects.toThrow("--port must be free");
  });
});

it("the documents give the defaults of an engine as they are", () => {
  const { maxRunning, prefillChunk, keyValueCacheBytes, visualCacheBytes } = engineDefaultWords;
  const library = read("docs/library.md");
  for (const [name, words] of Object.entries(engineDefaultWords))
    expect(library).toContain(`| \`${name}\` | ${words} |`);
  const serving = read("docs/serving.md");
  expect(serving).toContain(
    `| \`--max-running\`, \`--prefill-chunk\`, \`--visual-cache-bytes\` | ${maxRunning}, ${prefillChunk}, ${visualCacheBytes} |`,
  );
  expect(serving).toContain(`| \`--kv-cache-bytes\` | ${keyValueCacheBytes} |`);
});
