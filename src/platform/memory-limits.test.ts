import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { builtProgram } from "../../tests/setup/programs.ts";
import { memoryLimits, swapSpace, takenMemory } from "./memory-limits.ts";

const source = await builtProgram("src/platform/memory-limits.ts");
const told = `const { memoryLimits } = await import(${JSON.stringify(source)}); console.log(JSON.stringify(memoryLimits()));`;
const program = [process.execPath, "--disable-wasm-trap-handler", "--input-type=module", "-e", told];
const quoted = program.map((word) => `'${word}'`).join(" ");
const limitsOf = (shell: string): unknown[] =>
  JSON.parse(execFileSync("bash", ["-c", `${shell} exec ${quoted}`], { encoding: "utf8" })) as unknown[];

it("has the machine's memory among the limits", () => {
  expect(memoryLimits()).toContainEqual({
    bytes: totalmem(),
    name: "this machine",
    counts: "memory",
    beyond: "kills",
  });
  expect(swapSpace()).toBeGreaterThanOrEqual(0);
});

describe.skipIf(process.platform !== "linux")("a limit", { timeout: 240_000 }, () => {
  it("of `ulimit` is told, with what it counts", () => {
    expect(takenMemory("address space")).toBeGreaterThan(takenMemory("data"));
    expect(takenMemory("data")).toBeGreaterThan(2 ** 24);
    const limits = limitsOf("ulimit -v 40000000; ulimit -d 30000000;");
    expect(limits).toContainEqual({
      bytes: 40000000 * 1024,
      name: "ulimit -v",
      counts: "address space",
      beyond: "fails",
    });
    expect(limits).toContainEqual({
      bytes: 30000000 * 1024,
      name: "ulimit -d",
      counts: "data",
      beyond: "fails",
    });
  });

  it("of a control group above the process's own is told, where this user may make one", () => {
    const group = newControlGroup(2 ** 31);
    if (group === undefined) return;
    try {
      const limits = limitsOf(`echo $BASHPID > ${group.inside}/cgroup.procs;`);
      expect(limits).toContainEqual(
        expect.objectContaining({
          bytes: 2 ** 31,
          name: expect.stringContaining(group.name),
          beyond: "kills",
        }),
      );
    } finally {
      group.remove();
    }
  });
});

/** A group with a limit and one in it for a process; undefined where none can be made. */
function newControlGroup(bytes: number): { name: string; inside: string; remove: () => void } | undefined {
  const name = `owl-test-${process.pid}`;
  const versions = [
    { root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" },
    { root: "/sys/fs/cgroup", file: "memory.max" },
  ];
  for (const { root, file } of versions) {
    const outer = `${root}/${name}`;
    try {
      mkdirSync(`${outer}/inner`, { recursive: true });
      writeFileSync(`${outer}/${file}`, String(bytes));
      if (Number(readFileSync(`${outer}/${file}`, "utf8")) === bytes) {
        const remove = (): void => {
          for (const path of [`${outer}/inner`, outer]) rmdirSync(path);
        };
        return { name, inside: `${outer}/inner`, remove };
      }
    } catch {
      // Another version, or a system that does not let this user make groups.
    }
  }
  console.warn("no control group can be made here (it needs root): its limit is not tested");
  return undefined;
}
