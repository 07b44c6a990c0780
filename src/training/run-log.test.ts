import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtProgram } from "../../tests/setup/programs.ts";
import { openRunLog } from "./run-log.ts";

const end = { kind: "end", step: 3, complete: true } as const;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-log-"));
});
afterAll(() => rm(directory, { recursive: true }));

const kinds = async (path: string): Promise<unknown[]> => {
  const text = await readFile(path, "utf8");
  expect(text.at(-1)).toBe("\n");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { kind: unknown }).kind);
};

describe("the log of a run", () => {
  it.each([
    ['{"kind":"start"}\n{"kind":"st', ["start", "end"]],
    ['{"kind":"start"}\n{"kind":"step"}', ["start", "step", "end"]],
    ['{"ki', ["end"]],
    ["", ["end"]],
  ])("goes on behind whole lines alone: %j", async (before, expected) => {
    const path = join(directory, "torn.jsonl");
    await writeFile(path, before);
    const log = await openRunLog(path);
    await log.write(end);
    await log.close();
    expect(await kinds(path)).toEqual(expected);
  });

  it.skipIf(process.platform === "win32")("keeps whole lines where the disk is full", async () => {
    const path = join(directory, "full.jsonl");
    const program = await builtProgram("src/training/testing/fill-disk.ts");
    // The shell's limit on the size of files stands for a full disk: a write ends in the middle of a line.
    const script = `ulimit -f 8; exec "${process.execPath}" "${program}" "${path}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", script]);
    const [reason, more] = stdout.trim().split("\n");
    expect(reason).toMatch(/full.jsonl: must be a file that can be written, got/);
    const found = await kinds(path);
    expect(found.length).toBeGreaterThan(20);
    expect(found.at(-1)).toBe(more === "written" ? "end" : "silent");
  });
});
