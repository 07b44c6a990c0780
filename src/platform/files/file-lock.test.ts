import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { tryLock } from "./file-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "owl-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

const source = fileURLToPath(new URL("file-lock.ts", import.meta.url));
const script = (path: string, then: string): string[] => [
  "--import",
  "tsx",
  "--input-type=module",
  "--eval",
  `import { tryLock } from ${JSON.stringify(source)};
   const lock = await tryLock(${JSON.stringify(path)});
   console.log(lock === undefined ? "held" : "free");
   ${then}`,
];

it("is had once at a time, in one process and across processes", async () => {
  const path = join(folder, "deep", "a.lock");
  const lock = await tryLock(path);
  expect(lock).toBeDefined();
  expect(await tryLock(path)).toBeUndefined();
  const other = () => promisify(execFile)(process.execPath, script(path, "process.exit()"));
  expect((await other()).stdout).toBe("held\n");
  await lock?.release();
  expect((await other()).stdout).toBe("free\n");
}, 240_000);

it("falls back to the system when its owner is killed", async () => {
  const path = join(folder, "b.lock");
  const owner = spawn(process.execPath, script(path, "setInterval(() => {}, 1000);"));
  await new Promise((resolve) => owner.stdout.once("data", resolve));
  expect(await tryLock(path)).toBeUndefined();
  const ended = new Promise((resolve) => owner.once("exit", resolve));
  owner.kill("SIGKILL");
  await ended;
  const lock = await tryLock(path);
  expect(lock).toBeDefined();
  await lock?.release();
}, 240_000);
