import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { mulberry32 } from "../primitives/index.ts";
import { bundleProgram } from "./testing/bundle.ts";
import type { DoomedRun } from "./testing/doomed-run.ts";

/** Moments that every choice has: the swap of a checkpoint, step by step, and writes that are cut in two. */
const certain = [
  "rename state.partial",
  "rename state",
  "rename state.next",
  "half of rm state.previous",
  "half of write state.partial/optimizer.safetensors.partial",
  "datasync state.partial/model.safetensors.partial",
  "half of write log.jsonl",
  "half of write start/run.json.partial",
  "rename model.next",
  "half of write adapter.partial/adapter_model.safetensors.partial",
  "rename adapter.next",
];
const momentsInAll = 24;
const timesInAll = 6;
const steps = 24;

/** Before or in the middle of a change to a file, or so many milliseconds after the first step. */
type Kill = { readonly moment: string; readonly occurrence: number } | { readonly milliseconds: number };

describe("a run that is killed thirty times", () => {
  let project: string;
  let program: Awaited<ReturnType<typeof bundleProgram>>;
  const random = mulberry32(23);

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "owl-killed-"));
    program = await bundleProgram(fileURLToPath(new URL("testing/doomed-run.ts", import.meta.url)));
    const owl = await owlFixture();
    await cp(owl.directory, join(project, "model"), { recursive: true });
    owl.remove();
    const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await writeFile(join(project, "dot.svg"), picture);
    const rows = [1, 2, 3, 4, 5].map((n) => ({
      image: ["dot.svg"],
      text: `Human: <image>\nHuman: which one?\nAI: the ${n}th`,
    }));
    await writeFile(join(project, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    await writeFile(
      join(project, "recipe.yaml"),
      `extends: stage-2\nmodel: model\noutput: run\ndata: [{ file: rows.jsonl }]\nsteps: ${steps}\nsaveEvery: 2
batch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.01\n`,
    );
  });
  afterAll(async () => {
    await rm(project, { recursive: true });
    await rm(program.directory, { recursive: true });
  });

  /** Trains into a directory until the end or the kill; whether it was killed. */
  async function train(job: Omit<DoomedRun, "recipe">, milliseconds?: number): Promise<boolean> {
    const words = JSON.stringify({ recipe: join(project, "recipe.yaml"), ...job });
    const child = spawn(process.execPath, [program.file, words], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.once("data", () => {
      if (milliseconds !== undefined) setTimeout(() => child.kill("SIGKILL"), milliseconds);
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        if (code === 0 || signal === "SIGKILL") resolve(signal === "SIGKILL");
        else reject(new Error(`${words}: must end well or be killed, got ${code ?? signal}`));
      });
    });
  }

  function shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => [random(), value] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, value]) => value);
  }

  function chosenKills(journal: readonly string[]): Kill[] {
    const moments = [...new Set(journal)];
    expect(moments).toEqual(expect.arrayContaining(certain));
    const others = shuffled(moments.filter((moment) => !certain.includes(moment)));
    const chosen = [...certain, ...others].slice(0, momentsInAll);
    return shuffled([
      ...chosen.map((moment) => ({ moment, occurrence: /state|log/.test(moment) && random() < 0.5 ? 2 : 1 })),
      ...Array.from({ length: timesInAll }, () => ({ milliseconds: random() * 60 })),
    ]);
  }

  /** As they come in a run, so that one run sees them all: what it writes first, while it trains, and at its end. */
  function inOrder(kills: readonly Kill[]): Kill[] {
    const phases = [/^(open train.lock|\w+ )$|start/, /state|log/, /model\./, /adapter/, /train.lock/];
    const phaseOf = (kill: Kill): number =>
      "moment" in kill ? phases.findIndex((phase) => phase.test(kill.moment)) : 1;
    return kills.toSorted((a, b) => phaseOf(a) - phaseOf(b));
  }

  /** Trains with one kill after the other, from the beginning again where a run gets to its end before; the outputs. */
  async function trainWith(name: string, kills: readonly Kill[]): Promise<string[]> {
    const outputs: string[] = [];
    const left = [...kills];
    let directory = join(project, `${name}-0`);
    for (;;) {
      const [kill] = left;
      const byTime = kill !== undefined && "milliseconds" in kill;
      const killAt = byTime ? undefined : kill;
      if (await train({ directory, killAt }, byTime ? kill.milliseconds : undefined)) left.shift();
      else {
        outputs.push(directory);
        if (left.length === 0) return outputs;
        expect(outputs.length, `runs that saw nothing of ${JSON.stringify(kill)}`).toBeLessThan(kills.length);
        directory = join(project, `${name}-${outputs.length}`);
      }
    }
  }

  /** Every file of a run but its log, by its path. */
  async function filesOf(output: string): Promise<Record<string, string>> {
    const entries = await readdir(output, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const read = paths
      .filter((path) => !path.endsWith("log.jsonl"))
      .map(async (path) => [path.slice(output.length), await readFile(path, "base64")] as const);
    return Object.fromEntries(await Promise.all(read));
  }

  /** What the log says of each step's loss, as often as it says it. */
  async function lossesOf(output: string): Promise<Map<number, Set<number>>> {
    const losses = new Map<number, Set<number>>();
    for (const line of (await readFile(join(output, "log.jsonl"), "utf8")).trimEnd().split("\n")) {
      const { kind, step, loss } = JSON.parse(line) as { kind: string; step: number; loss: number };
      if (kind === "step") losses.set(step, (losses.get(step) ?? new Set()).add(loss));
    }
    return new Map([...losses].toSorted(([a], [b]) => a - b));
  }

  it("ends with the bits of one that nobody disturbed: checkpoint, model, adapter, losses", async () => {
    const whole = join(project, "whole");
    const journal = join(project, "journal");
    await mkdir(whole);
    await train({ directory: whole, journal });
    const lines = (await readFile(journal, "utf8")).trimEnd().split("\n");
    const swap = lines.indexOf("rename state");
    expect(lines.slice(swap - 3, swap + 4), "what reaches the disk before what relies on it").toEqual([
      "sync state.partial",
      "rename state.partial",
      "sync ",
      "rename state",
      "rename state.next",
      "sync ",
      "rm state.previous",
    ]);
    const kills = chosenKills(lines);
    expect(kills).toHaveLength(momentsInAll + timesInAll);
    const half = kills.length / 2;
    const outputs = await Promise.all([
      trainWith("left", inOrder(kills.slice(0, half))),
      trainWith("right", inOrder(kills.slice(half))),
    ]);
    const [files, losses] = [await filesOf(whole), await lossesOf(whole)];
    expect([...losses.keys()]).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    for (const output of outputs.flat()) {
      expect(await filesOf(output)).toEqual(files);
      expect(await lossesOf(output)).toEqual(losses);
    }
    // Starting a process takes seconds on a busy machine.
  }, 600_000);
});
