import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { openDevice } from "../src/runtime/index.ts";
import { createTrainer, joinProcesses, languageObjective } from "../src/training/index.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { benchBatch, recipeOf, usualShape } from "./train.ts";

const batch = 8;
const rounds = 3;
const steps = 5;

/** What a job of so many processes measured. */
interface JobReport {
  readonly processes: number;
  readonly threads: number;
  /** Median over the steps of a job. */
  readonly step_ms: number;
  /** What all processes together send in a step. */
  readonly sent_bytes: number;
  /** Of each process. */
  readonly resident_mb: readonly number[];
  /** Optimizer state that each process has written. */
  readonly optimizer_state_mb: readonly number[];
}

/**
 * `bench train-mpi [nano|small] [stage]`: a step of eight rows in two processes of one thread each beside one process of two
 * threads, in alternating jobs; what is sent; and the memory of each process.
 */
export async function trainMpiBench(words: readonly string[]): Promise<void> {
  const [config = "small", stage = "1"] = words.filter((word) => word !== "rank");
  if (words.includes("rank")) return measureAsRank(config as keyof typeof configurations, Number(stage));
  const jobs: JobReport[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, processes] of [1, 2].entries()) jobs[i].push(await runJob(processes, config, stage));
  }
  const [one, two] = jobs.map((reports) => ({
    ...reports[0],
    step_ms: median(reports.map(({ step_ms }) => step_ms)),
  }));
  const result = { config, stage: Number(stage), one, two, efficiency: one.step_ms / two.step_ms };
  printLine(result);
}

async function runJob(processes: number, config: string, stage: string): Promise<JobReport> {
  const options = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", String(processes)];
  const program = [process.execPath, ...process.execArgv, process.argv[1]];
  const words = [...options, ...program, "train-mpi", config, stage, "rank"];
  const { stdout } = await promisify(execFile)("mpirun", words);
  return JSON.parse(stdout) as JobReport;
}

async function measureAsRank(name: keyof typeof configurations, stage: number): Promise<void> {
  const communicator = await joinProcesses();
  const { size, rank } = communicator;
  const config = configurations[name];
  const recipe = recipeOf(stage);
  const threads = 2 / size;
  const device = await openDevice({ threads, spinning: true });
  const objective = languageObjective(config, recipe);
  const trainer = await createTrainer({ device, recipe, objective, communicator });
  const microBatches = Array.from({ length: size }, () =>
    benchBatch(config, stage, { ...usualShape, rows: batch / size }),
  );
  const times: number[] = [];
  let sent = 0;
  for (let step = 0; step < steps + 2; step++) {
    const before = communicator.bytesSent;
    const began = performance.now();
    await trainer.update(microBatches);
    times.push(performance.now() - began);
    sent = communicator.bytesSent - before;
  }
  const written = [...trainer.optimizerState().values()].reduce(
    (sum, { data }) => sum + (data as Float32Array).reduce((count, value) => count + Number(value !== 0), 0),
    0,
  );
  const all = await communicator.exchange({
    sent,
    resident: residentMegabytes(),
    state: (4 * written) / 1e6,
  });
  const report: JobReport = {
    processes: size,
    threads,
    step_ms: median(times.slice(2)),
    sent_bytes: all.reduce((sum, one) => sum + one.sent, 0),
    resident_mb: all.map(({ resident }) => resident),
    optimizer_state_mb: all.map(({ state }) => state),
  };
  if (rank === 0) console.log(JSON.stringify(report));
  trainer.dispose();
  await communicator.close();
}

/** The most memory that this process has had. */
function residentMegabytes(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}
