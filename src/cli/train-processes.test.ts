import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { childrenOf, mpirunArguments, rankOf, skipMpi } from "../../tests/setup/mpi.ts";
import { builtOwl } from "../../tests/setup/programs.ts";
import { owl } from "./testing/captured.ts";

/** Starting several processes takes its time where others work beside them. */
const patience = 900_000;

let folder: string;
let command: readonly string[];
let model: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  command = await builtOwl();
  model = await owlFixture();
  folder = await mkdtemp(join(tmpdir(), "owl-processes-"));
  await writeFile(join(folder, "red.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const rows = Array.from({ length: 12 }, (_, n) => ({
    image: ["red.svg"],
    text: `Human: <image>\nHuman: what is this?\nAI: thing ${n}`,
  }));
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(async () => {
  model.remove();
  await rm(folder, { recursive: true });
});

async function recipe(name: string, steps: number, more = ""): Promise<string> {
  const numbers = `steps: ${steps}\nbatch: 6\nmicroBatch: 1\nmaxTokens: 64\nsaveEvery: 1\nschedule: constant\nwarmup: 0\n`;
  const text = `extends: stage-2\nmodel: ${model.directory}\noutput: ${name}\ndata: [{ file: rows.jsonl }]\n${numbers}${more}`;
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, text);
  return path;
}

interface LogLine {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
}
const logOf = async (name: string): Promise<LogLine[]> => {
  const text = await readFile(join(folder, name, "log.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LogLine);
};
const savedStep = (name: string): number =>
  (JSON.parse(readFileSync(join(folder, name, "state/training_state.json"), "utf8")) as { step: number })
    .step;

/** A command that runs beside the test. */
class Started {
  readonly child: ChildProcess;
  output = "";
  readonly ended: Promise<number>;

  constructor([name, ...words]: readonly string[]) {
    this.child = spawn(name, words, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (text: Buffer) => (this.output += text.toString()));
    this.ended = new Promise((resolve) => this.child.on("exit", (code) => resolve(code ?? -1)));
  }

  /** Waits until it has printed this. */
  async printed(text: RegExp): Promise<void> {
    const over = this.ended.then((code) => ({ code }));
    while (!text.test(this.output)) {
      const end = await Promise.race([over, new Promise<undefined>((resolve) => setTimeout(resolve, 20))]);
      if (end !== undefined && !text.test(this.output))
        throw new Error(`ended with ${end.code} before ${text}:\n${this.output}`);
    }
  }
}

describe.skipIf(skipMpi || process.platform !== "linux")("training in several processes", () => {
  it(
    "is stopped with a checkpoint, goes on with another number, and ends within seconds where one dies, its checkpoint whole",
    async () => {
      const path = await recipe("long", 100_000);
      const two = new Started([...command, "train", path, "--processes", "2", "--threads", "1"]);
      await two.printed(/step 3: checkpoint/);
      two.child.kill("SIGTERM");
      expect(await two.ended, two.output).toBe(130);
      expect(two.output).toMatch(/processes +2 of 1 thread each share out the 6 micro-batches of a step/);
      expect(two.output).toMatch(/memory +in each of 2 processes about/);
      expect(two.output.match(/^recipe /gm)).toHaveLength(1);
      const step = savedStep("long");
      expect(two.output).toContain(`owl: interrupted after step ${step} of 100000`);

      await recipe("short", 3);
      expect((await owl("train", join(folder, "short.yaml"), "--threads", "1")).code).toBe(0);
      const losses = async (name: string): Promise<number[]> =>
        (await logOf(name)).flatMap(({ kind, loss }) => (kind === "step" ? [loss] : [])).slice(0, 3);
      const [together, alone] = [await losses("long"), await losses("short")];
      for (const [i, loss] of together.entries()) expect(Math.abs(loss - alone[i])).toBeLessThan(1e-5);

      const words = [...mpirunArguments(3), ...command, "train", path, "--resume"];
      const three = new Started(["mpirun", ...words, "--threads", "1"]);
      await three.printed(new RegExp(`step ${step + 4}: checkpoint`));
      expect(three.output).toContain(`going on after step ${step}`);
      process.kill(rankOf(three.child.pid!, 1)!, "SIGKILL");
      const killed = performance.now();
      expect(await three.ended).not.toBe(0);
      expect(performance.now() - killed).toBeLessThan(20_000);
      expect(three.output).toMatch(/rank 1 .*signal 9|rank 1 of 3/);

      const saved = savedStep("long");
      expect(saved).toBeGreaterThanOrEqual(step + 4);
      await recipe("long", saved + 2);
      expect(await owl("train", path, "--resume", "--threads", "1")).toMatchObject({ code: 0 });
      const steps = (await logOf("long")).filter(({ kind }) => kind === "step").map((line) => line.step);
      expect(steps.at(-1)).toBe(saved + 2);
      expect(existsSync(join(folder, "long/model/model.safetensors"))).toBe(true);
    },
    patience,
  );

  it(
    "stops with a checkpoint when the command that started the job is killed",
    async () => {
      const path = await recipe("orphan", 100_000);
      const two = new Started([...command, "train", path, "--processes", "2", "--threads", "1"]);
      await two.printed(/step 1: checkpoint/);
      const [mpirun] = childrenOf(two.child.pid!);
      two.child.kill("SIGKILL");
      await vi.waitUntil(() => !existsSync(`/proc/${mpirun}`), { timeout: 60_000 });
      expect(two.output).toContain(`owl: interrupted after step ${savedStep("orphan")} of 100000`);
    },
    patience,
  );

  it(
    "tells once what one of them cannot read, and keeps what was learned",
    async () => {
      const path = await recipe("damaged", 9);
      const noise = Buffer.from(Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i) % 251));
      const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
        .jpeg()
        .toBuffer();
      await writeFile(join(folder, "late.jpg"), whole.subarray(0, Math.floor(whole.length * 0.7)));
      const rows = (await readFile(join(folder, "rows.jsonl"), "utf8")).split("\n");
      rows[5] = rows[5].replace("red.svg", "late.jpg");
      await writeFile(join(folder, "late.jsonl"), rows.join("\n"));
      await writeFile(path, (await readFile(path, "utf8")).replace("rows.jsonl", "late.jsonl"));
      const words = [...mpirunArguments(2), ...command, "train", path, "--threads", "1"];
      const job = new Started(["mpirun", ...words]);
      expect(await job.ended).toBe(1);
      expect(job.output).toMatch(/late.jsonl:6: .*late.jpg/);
      expect(job.output.match(/^owl: /gm)).toHaveLength(1);
      expect(job.output).not.toMatch(/MPI_ABORT/);
    },
    patience,
  );
});

describe("--processes", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("says what to install where there is no mpirun", async () => {
    vi.stubEnv("PATH", folder);
    const { code, err } = await owl("train", await recipe("none", 1), "--processes", "2");
    expect(code).toBe(1);
    expect(err).toMatch(/need mpirun, found none; Debian and Ubuntu: apt-get install openmpi-bin/);
  });

  it("is for one process to start others", async () => {
    vi.stubEnv("OMPI_COMM_WORLD_SIZE", "2");
    const { code, err } = await owl("train", await recipe("none", 1), "--processes", "2");
    expect(code).toBe(2);
    expect(err).toMatch(/--processes: is for one process to start others, got several/);
  });
});
