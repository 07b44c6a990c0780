import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { mpirunArguments, rankOf, skipMpi } from "../../tests/setup/mpi.ts";
import { mulberry32 } from "../primitives/index.ts";

import { bundleProgram } from "./testing/bundle.ts";
import type { DoomedRun } from "./testing/doomed-run.ts";
import { filesOfRun } from "./testing/run-files.ts";

/** Moments that every choice has: the swap of a checkpoint, step by step, and writes that are cut in two. */
const certain = [
  "rename state.partial",
  "rename state",
  "rename state.next",
  "half of rm state.previous",
  "half of write state.partial/optimizer.safetensors.partial",
  "datasync state.partial/model.safetensors.partial",
  "half of write log.jsonl",
  "rename best.next",
  "half of write events",
  "half of write start/run.json.partial",
  "rename model.next",
  "half of write adapter.partial/adapter_model.safetensors.partial",
  "rename adapter.next",
];
/** More than the run does, since it ends when held-out rows get no better. */
const mostSteps = 60;

/**
 * Kills by moment and by time, of one process or of one of two, whose start takes longer: `npm run kills` chooses as many of
 * those.
 */
const jobs = [
  { processes: 1, moments: 24, times: 6 },
  process.env.OWL_KILLS === "all"
    ? { processes: 2, moments: 20, times: 10 }
    : { processes: 2, moments: 6, times: 4 },
];

type Job = (typeof jobs)[number];

/** Before or in the middle of a change to a file, or a rank so many milliseconds after the first step. */
type Kill =
  | { readonly moment: string; readonly occurrence: number }
  | { readonly milliseconds: number; readonly rank: number };

describe("a run that is killed again and again", () => {
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
    const heldOut = { image: ["dot.svg"], text: "Human: <image>\nHuman: which one?\nAI: the last" };
    await writeFile(join(project, "held-out.jsonl"), JSON.stringify(heldOut));
    await writeFile(
      join(project, "recipe.yaml"),
      `extends: stage-2\nmodel: model\noutput: run\ndata: [{ file: rows.jsonl }]\nevaluation: [{ file: held-out.jsonl }]
steps: ${mostSteps}\nsaveEvery: 2\nevaluateEvery: 3\npatience: 2\nkeep: { last: 2, best: true }
batch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.01\n`,
    );
  });
  afterAll(async () => {
    await rm(project, { recursive: true });
    await rm(program.directory, { recursive: true });
  });

  /** Trains into a directory until the end or the kill; whether it was killed. */
  async function train(processes: number, job: Omit<DoomedRun, "recipe">, kill?: Kill): Promise<boolean> {
    const killAt = kill !== undefined && "moment" in kill ? kill : undefined;
    const words = JSON.stringify({ recipe: join(project, "recipe.yaml"), ...job, killAt });
    const command = [process.execPath, program.file, words];
    if (processes > 1) command.unshift("mpirun", ...mpirunArguments(processes));
    const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.once("data", () => {
      if (kill === undefined || !("milliseconds" in kill)) return;
      const pidOf = (): number | undefined => (processes > 1 ? rankOf(child.pid!, kill.rank) : child.pid);
      setTimeout(() => {
        const pid = pidOf();
        if (pid !== undefined) process.kill(pid, "SIGKILL");
      }, kill.milliseconds);
    });
    let errors = "";
    child.stderr.on("data", (text: Buffer) => (errors += text.toString()));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        // mpirun tells which rank was killed, and ends the others.
        if (signal === "SIGKILL" || /signal 9 \(Killed\)/.test(errors)) resolve(true);
        else if (code === 0) resolve(false);
        else reject(new Error(`${words}: must end well or be killed, got ${code ?? signal}\n${errors}`));
      });
    });
  }

  function shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => [random(), value] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, value]) => value);
  }

  function chosenKills(journal: readonly string[], { processes, moments: count, times }: Job): Kill[] {
    const moments = [...new Set(journal)];
    expect(moments).toEqual(expect.arrayContaining(certain));
    const others = shuffled(moments.filter((moment) => !certain.includes(moment)));
    const chosen = [...certain, ...others].slice(0, count);
    return shuffled([
      ...chosen.map((moment) => ({ moment, occurrence: /state|log/.test(moment) && random() < 0.5 ? 2 : 1 })),
      ...Array.from({ length: times }, (_, i) => ({ milliseconds: random() * 60, rank: i % processes })),
    ]);
  }

  /** As they come in a run, so that one run sees them all: what it writes first, while it trains, and at its end. */
  function inOrder(kills: readonly Kill[]): Kill[] {
    const phases = [
      /^(open train.lock|\w+ )$|start/,
      /state|log|events|best|checkpoints/,
      /model\./,
      /adapter(?!\/)/,
      /README|curve/,
      /train.lock/,
    ];
    const phaseOf = (kill: Kill): number =>
      "moment" in kill ? phases.findIndex((phase) => phase.test(kill.moment)) : 1;
    return kills.toSorted((a, b) => phaseOf(a) - phaseOf(b));
  }

  /** Trains with one kill after the other, from the beginning again where a run gets to its end before; the outputs. */
  async function trainWith(processes: number, name: string, kills: readonly Kill[]): Promise<string[]> {
    const outputs: string[] = [];
    const left = [...kills];
    let directory = join(project, `${name}-0`);
    for (;;) {
      const [kill] = left;
      if (await train(processes, { directory }, kill)) left.shift();
      else {
        outputs.push(directory);
        if (left.length === 0) return outputs;
        expect(outputs.length, `runs that saw nothing of ${JSON.stringify(kill)}`).toBeLessThan(kills.length);
        directory = join(project, `${name}-${outputs.length}`);
      }
    }
  }

  /** What the log says of each step's loss, of held-out rows and of the end, as often as it says it. */
  async function toldOf(output: string): Promise<Map<string, Set<unknown>>> {
    const told = new Map<string, Set<unknown>>();
    for (const line of (await readFile(join(output, "log.jsonl"), "utf8")).trimEnd().split("\n")) {
      const { kind, step, loss, bestStep } = JSON.parse(line) as Record<string, unknown>;
      if (!["step", "evaluation", "stopped"].includes(String(kind))) continue;
      const key = `${String(kind)} ${String(step)}`;
      told.set(key, (told.get(key) ?? new Set()).add(loss ?? bestStep));
    }
    return told;
  }

  it.each(
    jobs,
  )("ends with the bits of one that nobody disturbed: checkpoints, the best one, model, adapter, losses; processes: $processes", async (job) => {
    const { processes } = job;
    if (processes > 1 && skipMpi) return;
    const whole = join(project, `whole-${processes}`);
    const journal = join(project, `journal-${processes}`);
    await mkdir(whole);
    await train(processes, { directory: whole, journal });
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
    const kills = chosenKills(lines, job);
    expect(kills).toHaveLength(job.moments + job.times);
    const half = kills.length / 2;
    const outputs = await Promise.all([
      trainWith(processes, `left-${processes}`, inOrder(kills.slice(0, half))),
      trainWith(processes, `right-${processes}`, inOrder(kills.slice(half))),
    ]);
    const [files, told] = [await filesOfRun(whole), await toldOf(whole)];
    const last = [...told.keys()].filter((key) => key.startsWith("step ")).length;
    expect(told.has(`stopped ${last}`), [...told.keys()].join()).toBe(true);
    expect(last).toBeLessThan(mostSteps);
    for (const output of outputs.flat()) {
      expect(await filesOfRun(output)).toEqual(files);
      expect(await toldOf(output)).toEqual(told);
    }
    // Starting a process takes seconds on a busy machine.
  }, 3_600_000);
});
