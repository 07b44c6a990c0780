import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLogPart } from "./log-part.ts";
import { findRuns } from "./runs.ts";
import { createWatchServer } from "./watch-server.ts";

let place: string;
const at = (...names: string[]): string => join(place, ...names);
const line = (number: number): string => `${JSON.stringify({ kind: "step", step: number, loss: 1 })}\n`;
const picture = "samples/0123456789abcdef.svg";

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "owl-watch-"));
  for (const name of ["b", "a", "empty", "b/samples"]) await mkdir(at(name));
  await writeFile(at("b/log.jsonl"), line(1));
  await writeFile(at("a/log.jsonl"), line(1) + line(2));
  await writeFile(at("b", picture), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(at("b/samples/fedcba9876543210.txt"), "no picture");
  await writeFile(at("index.txt"), "secret");
});
afterAll(() => rm(place, { recursive: true }));

describe("a log that grows", () => {
  it("is read on from where it was read to, by whole lines, and anew where it became shorter", async () => {
    const path = at("growing.jsonl");
    const half = line(3).slice(0, 20);
    await writeFile(path, line(1) + line(2) + half);
    const first = await readLogPart(path, 0);
    expect(first.events).toEqual([1, 2].map((step) => ({ kind: "step", step, loss: 1 })));
    expect(first).toMatchObject({ next: 2 * line(1).length, hasMore: false, isAnew: false });
    expect((await readLogPart(path, first.next)).events).toEqual([]);
    await appendFile(path, line(3).slice(20) + line(4));
    const more = await readLogPart(path, first.next);
    expect(more.events).toMatchObject([{ step: 3 }, { step: 4 }]);
    await truncate(path, line(1).length);
    expect(await readLogPart(path, more.next)).toMatchObject({ events: [{ step: 1 }], isAnew: true });
  });

  it("is read some bytes at a time, also where a line is longer", async () => {
    const path = at("long.jsonl");
    const long = `${JSON.stringify({ kind: "silent", rows: ["ü".repeat(300)] })}\n`;
    await writeFile(path, line(1) + long + line(2));
    const events: unknown[] = [];
    let [from, parts] = [0, 0];
    for (let hasMore = true; hasMore; parts++) {
      const part = await readLogPart(path, from, 64);
      events.push(...part.events);
      ({ next: from, hasMore } = part);
    }
    expect(events).toMatchObject([{ step: 1 }, { rows: ["ü".repeat(300)] }, { step: 2 }]);
    expect(parts).toBeGreaterThan(1);
  });

  it("is refused where a line is no object of JSON", async () => {
    for (const text of ["no log\n", "1\n", `${line(1)}{"kind\n`]) {
      await writeFile(at("other.jsonl"), text);
      await expect(readLogPart(at("other.jsonl"), 0)).rejects.toThrow("must hold a JSON object a line");
    }
  });
});

describe("the page's server", () => {
  const ask = (path: string, host = "localhost", method = "GET"): Promise<Response> =>
    createWatchServer({ places: [place], page: at("empty"), hosts: ["localhost"] })(
      new Request(`http://${host}${path}`, { method }),
    );
  const ofB = (): string => `run=${encodeURIComponent(at("b"))}`;

  it("finds runs by their logs, in a directory or by themselves", async () => {
    const names = async (...places: string[]) => (await findRuns(places)).map(({ name }) => name);
    expect(await names(place)).toEqual(["a", "b"]);
    expect(await names(at("b"), place)).toEqual(["b", "a"]);
    expect(await names(at("empty"), at("nothing"))).toEqual([]);
    const listed = await (await ask("/watch/runs")).json();
    expect(listed.runs).toEqual(
      ["a", "b"].map((name) => ({ id: at(name), name, modified: expect.any(Number) })),
    );
  });

  it("reads the logs and pictures of these runs, and no other file", async () => {
    const part = await (await ask(`/watch/log?${ofB()}&from=0`)).json();
    expect(part).toEqual({
      events: [{ kind: "step", step: 1, loss: 1 }],
      next: line(1).length,
      hasMore: false,
      isAnew: false,
    });
    const shown = await ask(`/watch/picture?${ofB()}&name=${picture}`);
    expect(shown.headers.get("content-type")).toBe("image/svg+xml");
    expect(shown.headers.get("content-security-policy")).toContain("sandbox");
    const refused: Record<string, number> = {
      [`/watch/picture?${ofB()}&name=../index.txt`]: 404,
      [`/watch/picture?${ofB()}&name=samples/../../index.txt`]: 404,
      [`/watch/picture?${ofB()}&name=samples/fedcba9876543210.txt`]: 404,
      [`/watch/picture?run=${encodeURIComponent(place)}&name=${picture}`]: 404,
      [`/watch/log?run=${encodeURIComponent(at("other.jsonl"))}`]: 404,
      [`/watch/log?${ofB()}&from=-1`]: 400,
      "/../index.txt": 404,
      "/": 404,
    };
    for (const [path, status] of Object.entries(refused)) expect((await ask(path)).status, path).toBe(status);
    expect((await ask("/watch/runs", "owl.example")).status).toBe(403);
    expect((await ask("/watch/runs", "localhost", "POST")).status).toBe(405);
  });
});
