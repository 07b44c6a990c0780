import { renameSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { limitFileSize, makeUnwritable, mountSmallDisk } from "../../tests/setup/failing-disk.ts";
import type { TrainingEvent, TrainingOutcome } from "../training/index.ts";
import { eventFile } from "../training/testing/event-file.ts";
import { prepareRun } from "./run.ts";
import { filesOfRun } from "./testing/run-files.ts";

const steps = 6;

describe.skipIf(process.platform !== "linux")("a run whose files fail", { timeout: 240_000 }, () => {
  let project: string;
  let whole: Record<string, string>;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "owl-disk-"));
    const owl = await owlFixture();
    await cp(owl.directory, join(project, "model"), { recursive: true });
    owl.remove();
    await writeFile(
      join(project, "dot.svg"),
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    );
    const rows = [1, 2, 3].map((n) => ({
      image: ["dot.svg"],
      text: `Human: <image>\nHuman: which one?\nAI: the ${n}th`,
    }));
    await writeFile(join(project, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const numbers = `steps: ${steps}\nsaveEvery: 2\nbatch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.01\n`;
    const recipe = `extends: stage-2\nmodel: model\noutput: run\ndata: [{ file: rows.jsonl }]\n${numbers}`;
    await writeFile(join(project, "recipe.yaml"), recipe);
    await train(join(project, "whole"));
    whole = await filesOfRun(join(project, "whole"));
  });
  afterAll(() => rm(project, { recursive: true }));

  /** Trains into a directory; `beside` is done when so many steps are. */
  async function train(output: string, at?: number, beside?: () => void): Promise<TrainingOutcome> {
    const run = await prepareRun(join(project, "recipe.yaml"), { output });
    const onEvent = ({ kind, step }: TrainingEvent): void => {
      if (kind === "step" && step === at) beside?.();
    };
    return run.start({ resume: true, device: { threads: 1 }, onEvent });
  }

  const savedStep = async (output: string): Promise<number> =>
    (JSON.parse(await readFile(join(output, "state/training_state.json"), "utf8")) as { step: number }).step;

  it("by a full disk, or a limit on files, has its last checkpoint and goes on to the same bits", async () => {
    const disk = mountSmallDisk(join(project, "disk"), 1_900);
    const output = join(project, "disk", "run");
    const limited = disk === undefined ? limitFileSize(500_000) : undefined;
    try {
      await expect(train(output)).rejects.toThrow(
        /state\.partial\/optimizer\.safetensors: must be a file that can be written, got (?:a full disk|a file longer than)/,
      );
      expect((await readdir(output)).toSorted()).toEqual([
        eventFile(1),
        "log.jsonl",
        "start",
        ...(disk === undefined ? [] : ["state"]),
      ]);
      if (disk !== undefined) expect(await savedStep(output)).toBe(2);
      limited?.();
      disk?.enlarge();
      await train(output);
      expect(await filesOfRun(output)).toEqual(whole);
    } finally {
      limited?.();
      disk?.unmount();
    }
  });

  it("on a disk that can only be read does not begin, and says so", async () => {
    const disk = mountSmallDisk(join(project, "read-only"), 5_000);
    if (disk === undefined) return;
    try {
      disk.makeReadOnly();
      await expect(train(join(project, "read-only/run"))).rejects.toThrow(
        /read-only\/run: must be a directory that can be made, got a read-only file system/,
      );
    } finally {
      disk.unmount();
    }
  });

  it("in a directory that it may no longer write to has its last checkpoint and goes on", async () => {
    const output = join(project, "unwritable");
    let allow = (): void => undefined;
    const failed = train(output, 3, () => {
      allow = makeUnwritable(output);
    });
    await expect(failed).rejects.toThrow(/state\S*: must be a directory that can be \w+, got no permission/);
    expect(await savedStep(output)).toBe(2);
    allow();
    await train(output);
    expect(await filesOfRun(output)).toEqual(whole);
  });

  it("whose directory is moved away stops, with a checkpoint in its place, and goes on there", async () => {
    const output = join(project, "moved");
    const failed = train(output, 3, () => renameSync(output, join(project, "elsewhere")));
    await expect(failed).rejects.toThrow(/moved\/log\.jsonl: must stay where it is while it is written to/);
    expect(await savedStep(output)).toBe(3);
    expect(await savedStep(join(project, "elsewhere"))).toBe(2);
    await train(output);
    expect(await filesOfRun(output)).toEqual(whole);
  });

  it("whose picture disappears names the row, and begins again once it is back", async () => {
    const output = join(project, "pictureless");
    const [picture, away] = [join(project, "dot.svg"), join(project, "dot.away")];
    const run = await prepareRun(join(project, "recipe.yaml"), { output });
    await rename(picture, away);
    await expect(run.start({ device: { threads: 1 } })).rejects.toThrow(
      /rows\.jsonl:\d: .*dot\.svg: must be a readable .*, got no such file/,
    );
    await rename(away, picture);
    await train(output);
    expect(await filesOfRun(output)).toEqual(whole);
  });

  it("whose model disappears ends well, but does not go on without it", async () => {
    const [output, model, away] = ["modelless", "model", "model.away"].map((name) => join(project, name));
    const stop = new AbortController();
    const run = await prepareRun(join(project, "recipe.yaml"), { output });
    const onEvent = ({ kind, step }: TrainingEvent): void => {
      if (kind === "step" && step === 3) stop.abort();
    };
    await run.start({ device: { threads: 1 }, onEvent, signal: stop.signal });
    await rename(join(model, "model.safetensors"), away);
    await expect(train(output)).rejects.toThrow(/model: must hold model\.safetensors.*got none of them/);
    expect(await savedStep(output)).toBe(3);
    await rename(away, join(model, "model.safetensors"));
    await train(output, 4, () => renameSync(model, away));
    await rename(away, model);
    expect(await filesOfRun(output)).toEqual(whole);
  });

  it("that finds a file in place of a directory does not begin", async () => {
    for (const name of ["state", "adapter"]) {
      const output = join(project, `file ${name}`);
      await mkdir(output);
      await writeFile(join(output, name), "mine");
      await expect(train(output)).rejects.toThrow(`must have room for the run's ${name}/, got a file`);
      expect(await readFile(join(output, name), "utf8")).toBe("mine");
    }
    await expect(train(join(project, "rows.jsonl", "run"))).rejects.toThrow(
      /rows\.jsonl: must be a directory that can be made, got a file in its place/,
    );
  });
});
