import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { builtProgram } from "../../../tests/setup/programs.ts";
import { openOnnxRuntime } from "../onnx-runtime/open.ts";
import { tryLock, tryLockFile } from "./file-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "owl-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

const source = await builtProgram("src/platform/files/file-lock.ts");
const script = (path: string, then: string): string[] => [
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

it("leaves room for ONNX Runtime's C API, which is loaded after it", async () => {
  const lock = await tryLock(join(folder, "c.lock"));
  expect((await openOnnxRuntime()).fallbackReason).toBeUndefined();
  await lock?.release();
});

it("on a lock file is had once at a time, whatever is removed beside it", async () => {
  const path = join(folder, "d.lock");
  let [holders, most, had] = [0, 0, 0];
  const work = async (): Promise<void> => {
    while (had < 60) {
      const lock = await tryLockFile(path);
      if (lock === undefined) continue;
      most = Math.max(most, ++holders);
      had++;
      await new Promise((resolve) => setImmediate(resolve));
      holders--;
      await lock.release();
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  expect(most).toBe(1);
});
