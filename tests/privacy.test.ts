import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { builtProgram } from "./setup/programs.ts";
import { skipStrace, type WatchedProgram, watchProgram } from "./setup/strace.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A program of this repository, by its source. */
async function start(source: string, ...words: readonly string[]): Promise<WatchedProgram> {
  return watchProgram(process.execPath, [await builtProgram(source), ...words], { cwd: root });
}

/** Sends the server its first question. */
async function askServer(server: WatchedProgram): Promise<void> {
  const [, address] = await server.says(/(http:\S+)/);
  const messages = [{ role: "user", content: "what do cats eat?" }];
  const body = JSON.stringify({ messages, model: "owl-nano" });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${address}/v1/chat/completions`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
}

const ways = {
  "owl serve, idle behind an answer": ["src/cli/main.ts", "serve", "--no-web", "--port", "0"],
  "a program that imports onnxruntime-node first": ["tests/privacy/onnxruntime-first.ts"],
  "a worker thread": ["tests/privacy/worker.ts", "c-api"],
  "a worker thread, by onnxruntime-node's own binding": ["tests/privacy/worker.ts", "onnxruntime-node"],
} as const;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

describe.skipIf(skipStrace)("nothing is written or sent that nobody asked for", () => {
  let programs: Record<Way, WatchedProgram>;
  let alone: WatchedProgram;
  let sessionFirst: WatchedProgram;

  // All programs run until ONNX Runtime without this package has contacted its vendor, nine seconds after its first session.
  beforeAll(async () => {
    const thread = await builtProgram("tests/privacy/worker-thread.ts");
    const started = names.map(async (name) => {
      const [source, ...words] = ways[name];
      const threads = source.endsWith("/worker.ts") ? [thread] : [];
      return [name, await start(source, ...words, ...threads)] as const;
    });
    programs = Object.fromEntries(await Promise.all(started)) as typeof programs;
    const { "owl serve, idle behind an answer": server, ...others } = programs;
    sessionFirst = await start("tests/privacy/session-first.ts");
    const work = [sessionFirst, ...Object.values(others)].map((program) => program.says(/done/));
    await Promise.all([askServer(server), ...work]);
    alone = await start("tests/privacy/onnxruntime-alone.ts");
    await alone.says(/done/);
    await alone.reachesOut();
    const ends = [alone, sessionFirst, ...Object.values(others)].map((program) => program.end());
    await Promise.all([server.end("SIGTERM"), ...ends]);
  }, 120_000);
  afterAll(() => {
    for (const program of [alone, sessionFirst, ...Object.values(programs)]) program.remove();
  });

  it("the watch sees what ONNX Runtime does alone", () => {
    expect(alone.made()).toContainEqual(expect.stringMatching(/\/cache\/Microsoft\/.*deviceid/));
    expect(alone.made()).toContainEqual(expect.stringMatching(/\/tmp\/mat-debug/));
    expect(alone.left()).toContainEqual(expect.stringMatching(/onnxruntime\.db$/));
    expect(alone.reached().length).toBeGreaterThan(0);
  });

  it.each(names)("%s", (name) => {
    const program = programs[name];
    expect(program.made()).toEqual([]);
    expect(program.reached()).toEqual([]);
    expect(program.left()).toEqual([]);
  });

  it("where a program had a session before it loaded this package, no event tells of our graphs", () => {
    const kept = sessionFirst.left().filter((path) => /onnxruntime\.db/.test(path));
    expect(kept.length).toBeGreaterThan(0);
    const text = kept.map((path) => readFileSync(join(sessionFirst.folder, path), "latin1")).join("\n");
    expect(text).toContain("ProcessInfo");
    // The producer name in every ONNX model of this package.
    expect(text).not.toContain("mplug-owl");
  });

  it("tests", async () => {
    const vitest = join(root, "node_modules/.bin/vitest");
    const program = watchProgram(vitest, ["run", "src/platform/onnx-runtime/binding.test.ts"], { cwd: root });
    await program.end();
    expect(program.reached()).toEqual([]);
    expect(program.left()).toEqual([]);
    program.remove();
  });
});

test("ONNX Runtime is loaded where its telemetry is turned off, and nowhere else", () => {
  const own = ["src/platform/", "tests/privacy/"];
  const files = ["src", "web", "bench", "owl-nano", "tests"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const sources = files.filter((path) => /\.(?:ts|svelte)$/.test(path));
  const loads = /(?:from|import|require\()\s*\(?"(?:onnxruntime-node|koffi)"/;
  const wrong = sources
    .filter((path) => !own.some((folder) => path.startsWith(folder)))
    .filter((path) => loads.test(readFileSync(join(root, path), "utf8")));
  expect(sources.length).toBeGreaterThan(300);
  expect(wrong).toEqual([]);
});
