import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtProgram } from "../../tests/setup/programs.ts";
import { mulberry32 } from "../primitives/index.ts";
import { restoreState, saveState } from "./state.ts";
import { hollowTrainer, recipe } from "./testing/save-forever.ts";

let directory: string;
let program: string;

beforeAll(async () => {
  program = await builtProgram("src/training/testing/save-forever.ts");
  directory = await mkdtemp(join(tmpdir(), "owl-kill-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs the program until it has written three states, lets it go on for a while and kills it; the last step it told. */
async function runAndKill(state: string, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [program, state], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = 0;
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve());
    child.stdout.on("data", (text: Buffer) => {
      const before = told;
      told = Number(text.toString().trim().split("\n").at(-1));
      if (before < 3 && told >= 3) setTimeout(() => child.kill("SIGKILL"), milliseconds);
    });
  });
  return told;
}

it("leaves a whole state behind, whenever the process is killed", async () => {
  const random = mulberry32(11);
  for (const run of [0, 1, 2]) {
    const state = join(directory, `state-${run}`);
    const told = await runAndKill(state, 40 * random());
    const seen: Record<string, Set<number>> = {};
    const trainer = hollowTrainer(0, async (step, trained, moments) => {
      seen.step = new Set([step]);
      seen.weight = new Set((await trained!.read("weight")).data as Float32Array);
      seen.moment = new Set((await moments!.read("first.weight")).data as Float32Array);
    });
    const { step } = await restoreState(state, trainer, recipe);
    expect(step).toBeGreaterThanOrEqual(told);
    const whole = new Set([step]);
    expect(seen).toEqual({ step: whole, weight: whole, moment: whole });
  }
});

it.skipIf(process.platform === "win32")(
  "keeps the old state where the disk is full, and takes no room beside it",
  async () => {
    const state = join(directory, "full");
    await saveState(state, hollowTrainer(7), { step: 7, position: 7, tokens: 0 }, recipe);
    // The shell's limit on the size of files stands for a full disk.
    const script = `ulimit -f 100; exec "${process.execPath}" "${program}" "${state}"`;
    const failed = promisify(execFile)("bash", ["-c", script]);
    await expect(failed).rejects.toThrow(/must be a file that can be written|FileError/);
    expect((await readdir(directory)).filter((name) => name.startsWith("full"))).toEqual(["full"]);
    expect((await restoreState(state, hollowTrainer(0), recipe)).step).toBe(7);
  },
);
