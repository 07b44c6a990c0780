import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mpirunArguments, skipMpi } from "../../tests/setup/mpi.ts";
import { builtOwl } from "../../tests/setup/programs.ts";
import { shared, sharedAvailable } from "../../tests/shared.ts";

/** Starting several processes takes its time where others work beside them. */
const patience = 900_000;

const steps = 4;

/** Rows of unequal length with one picture, two and none, so that some parts of an update have no picture. */
const rows = [
  { image: ["9.jpg"], text: "Human: <image>\nHuman: How many birds are there?\nAI: Three birds." },
  { text: "Human: What colour is the house?\nAI: The house is white." },
  { image: ["48.jpg", "9.jpg"], text: "Human: <image>\nHuman: And here?\nHuman: <image>\nAI: A red bus." },
  { text: "Human: Who?\nAI: An owl." },
  { image: ["48.jpg"], text: "Human: <image>\nHuman: What is it?\nAI: A bus, and it is red." },
];

describe.skipIf(skipMpi || !sharedAvailable)("training the line in several processes and replicas", () => {
  let work: string;
  let command: readonly string[];
  beforeAll(async () => {
    command = await builtOwl();
    work = await mkdtemp(join(tmpdir(), "owl-line-processes-"));
    for (const name of ["9.jpg", "48.jpg"]) await cp(shared(`owleval/cases/${name}`), join(work, name));
    await writeFile(join(work, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  });
  afterAll(() => rm(work, { recursive: true }));

  test.each([
    ["tiny-owl2", "owl2-finetune", ""],
    ["tiny-owl3/241101", "owl3-finetune", "stage: behind-vision\n"],
    ["tiny-owl3/241014", "owl3-lora", ""],
  ])(
    "%s, %s: two processes, and two replicas, have the losses of one process",
    async (model, extended, more) => {
      const path = join(work, `${model.replace("/", "-")}.yaml`);
      const numbers = `steps: ${steps}\nbatch: 4\nmicroBatch: 1\nwarmup: 0\nmaxTokens: 256\nlearningRate: 0.001\n`;
      const base = shared(`golden/${model}`);
      const data = "output: here\ndata: [{ file: rows.jsonl }]";
      await writeFile(path, `extends: ${extended}\nmodel: ${base}\n${data}\n${numbers}${more}`);
      const losses = async (name: string, processes: number, ...words: string[]): Promise<number[]> => {
        const output = join(work, model, name);
        const train = [...command, "train", path, "--output", output, ...words];
        const [program, ...rest] =
          processes === 1 ? train : ["mpirun", ...mpirunArguments(processes), ...train];
        await promisify(execFile)(program, rest);
        const log = (await readFile(join(output, "log.jsonl"), "utf8")).trim().split("\n");
        const lines: { kind: string; loss: number }[] = log.map((line) => JSON.parse(line));
        return lines.flatMap(({ kind, loss }) => (kind === "step" ? [loss] : []));
      };
      const alone = await losses("one", 1, "--threads", "1");
      expect(alone).toHaveLength(steps);
      expect(alone.at(-1)).not.toBe(alone[0]);
      const together = {
        processes: await losses("processes", 2, "--threads", "1"),
        replicas: await losses("replicas", 1, "--threads", "2", "--replicas", "2"),
      };
      for (const [how, own] of Object.entries(together)) {
        const farthest = Math.max(...own.map((loss, i) => Math.abs(loss - alone[i])));
        expect(own, how).toHaveLength(steps);
        expect(farthest, how).toBeLessThan(1e-5);
      }
    },
    patience,
  );
});
