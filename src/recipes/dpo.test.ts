import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { TrainingEvent } from "../training/index.ts";
import { prepareRun, type RunOptions } from "./run.ts";

let place: string;
let owl: Awaited<ReturnType<typeof owlFixture>>;
const answers = [
  ["a cat", "a dog and a cat"],
  ["an owl", "no"],
  ["red", "it is blue"],
];
const pairs = answers.map(([chosen, rejected]) => ({
  images: ["cat.jpg"],
  prompt: "what is this?",
  chosen,
  rejected,
}));
const linesOf = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "owl-dpo-"));
  owl = await owlFixture();
  const picture = sharp({ create: { width: 32, height: 32, channels: 3, background: "red" } });
  await writeFile(join(place, "cat.jpg"), await picture.png().toBuffer());
  await writeFile(join(place, "pairs.jsonl"), linesOf(pairs));
});
afterAll(async () => {
  await rm(place, { recursive: true });
  owl.remove();
});

async function recipeOf(output: string, changes = "", base = "stage-2"): Promise<string> {
  const path = join(place, `${output}.yaml`);
  const lines = [
    `extends: ${base}`,
    `model: ${owl.directory}`,
    `output: ${output}`,
    "data: [{ file: pairs.jsonl }]",
    "evaluation: [{ file: pairs.jsonl, rows: 2 }]",
    "steps: 4\nbatch: 2\nmicroBatch: 1\nwarmup: 0\nmaxTokens: 64\nlearningRate: 0.02\nschedule: constant\nsaveEvery: 2",
    changes,
  ];
  await writeFile(path, lines.join("\n"));
  return path;
}

async function run(path: string, options: RunOptions = {}, stopAt = Number.POSITIVE_INFINITY) {
  const stop = new AbortController();
  const events: TrainingEvent[] = [];
  const onEvent = (event: TrainingEvent): void => {
    events.push(event);
    if (event.kind === "step" && event.step === stopAt) stop.abort();
  };
  const prepared = await prepareRun(path);
  await prepared.start({ device: { threads: 1 }, onEvent, signal: stop.signal, ...options });
  return events;
}
const steps = (events: readonly TrainingEvent[]) =>
  events.flatMap((event) => (event.kind === "step" ? [event] : []));
const dpo = "dpo: { beta: 0.5 }\nlora: { rank: 2, alpha: 4, targets: all-linear }";

/** A run does not go on without its references, or with those of other rows. */
async function expectRefusals(path: string): Promise<void> {
  const again = { resume: true, allowChangedData: true };
  const [rows, file] = [join(place, "pairs.jsonl"), join(place, "stopped/reference.json")];
  await writeFile(rows, linesOf([...pairs, { ...pairs[0], chosen: "a bird" }]));
  await expect(run(path, again)).rejects.toThrow(/reference\.json: .* got those of other rows/);
  await writeFile(rows, linesOf(pairs));
  await rename(file, `${file}.away`);
  await expect(run(path, again)).rejects.toThrow(/reference\.json: .* got no such file/);
  await rename(`${file}.away`, file);
}

describe("direct preference optimisation", () => {
  test("begins with no preference, learns one, and goes on with the references that it began with", async () => {
    const whole = await run(await recipeOf("whole", dpo));
    const all = steps(whole);
    expect(all).toHaveLength(4);
    expect(all[0].loss).toBeCloseTo(Math.LN2, 3);
    expect(all[0].rewardMargin).toBeCloseTo(0, 3);
    expect(all[3].rewardMargin).toBeGreaterThan(0.1);
    expect(all[3].rewardAccuracy).toBeGreaterThan(0);
    const [heldOut] = whole.flatMap((event) => (event.kind === "evaluation" ? [event] : []));
    expect(heldOut.loss).toBeLessThan(0.6);
    // Two pairs that were held out: a margin m has the loss log(1 + exp(-m)), which is convex.
    expect(heldOut.rewardMargin).toBeGreaterThan(-Math.log(Math.expm1(heldOut.loss)));
    expect([0.5, 1]).toContain(heldOut.rewardAccuracy);

    const path = await recipeOf("stopped", dpo);
    const before = await run(path, {}, 2);
    const references = await readFile(join(place, "stopped/reference.json"), "utf8");
    await expectRefusals(path);
    const after = await run(path, { resume: true });
    expect([...steps(before), ...steps(after)].map(({ loss }) => loss)).toEqual(all.map(({ loss }) => loss));
    expect(await readFile(join(place, "stopped/reference.json"), "utf8")).toBe(references);
    const weights = (name: string): Promise<Buffer> => readFile(join(place, name, "model/model.safetensors"));
    expect((await weights("stopped")).equals(await weights("whole"))).toBe(true);
  });

  test("leaves out a row that cannot be read where that is allowed, and goes on without it once it can", async () => {
    const raw = { width: 64, height: 64, channels: 3 } as const;
    const noise = Buffer.from(Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i) % 251));
    const whole = await sharp(noise, { raw }).jpeg().toBuffer();
    await writeFile(join(place, "damaged.jpg"), whole.subarray(0, Math.floor(whole.length * 0.7)));
    await writeFile(join(place, "some.jsonl"), linesOf([...pairs, { ...pairs[0], images: ["damaged.jpg"] }]));
    const path = await recipeOf("damaged", dpo);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll("pairs.jsonl", "some.jsonl"));
    await expect(run(path)).rejects.toThrow(/some\.jsonl:4: .*damaged\.jpg/);
    const allowed = { skipBadRows: 1 };
    const skipped = (events: readonly TrainingEvent[]) =>
      events.flatMap((event) => (event.kind === "skipped" ? [event.row] : []));
    const before = await run(path, allowed, 3);
    expect(skipped(before)).toEqual([expect.stringMatching(/some\.jsonl:4$/)]);
    const { files } = JSON.parse(await readFile(join(place, "damaged/reference.json"), "utf8"));
    expect(files[0].ratios).toEqual([...new Array(3).fill(expect.any(Number)), null]);
    await writeFile(join(place, "damaged.jpg"), whole);
    const again = { resume: true, allowChangedData: true };
    await expect(run(path, again)).rejects.toThrow(/reference\.json: .* got those of other rows/);
  });

  test("the document's recipe and rows are a run that fits", async () => {
    const docs = await readFile(new URL("../../docs/training.md", import.meta.url), "utf8");
    const [section] = docs.split("### The better of two answers\n")[1].split("\n### ");
    const recipe = /^```yaml\n([\s\S]*?)^```/m.exec(section)![1];
    const rows = [...section.matchAll(/^ {4}(\{.*\})$/gm)].map(([, row]) =>
      row.replace(/train\/\d\.svg/, "cat.jpg"),
    );
    await writeFile(join(place, "pairs-of-docs.jsonl"), rows.join("\n"));
    const path = join(place, "prefer.yaml");
    await writeFile(
      path,
      recipe.replace("pairs.jsonl", "pairs-of-docs.jsonl").replace(/^model: \S+/m, `model: ${owl.directory}`),
    );
    const run = await prepareRun(path);
    expect(run.rows).toEqual([2]);
    expect(run.plan.recipe.dpo).toEqual({ beta: 0.1 });
  });

  test("learns from pairs alone, and nothing else does", async () => {
    await expect(prepareRun(await recipeOf("plain"))).rejects.toThrow(
      /line 1: has "chosen" and "rejected", which dpo alone learns from; say dpo: \{ beta: 0\.1 \}/,
    );
    await writeFile(join(place, "chats.jsonl"), '{"text":"Human: hi\\nAI: hello"}');
    const chats = await recipeOf("chats", `${dpo}\n`);
    const text = (await readFile(chats, "utf8")).replaceAll("pairs.jsonl", "chats.jsonl");
    await writeFile(chats, text);
    await expect(prepareRun(chats)).rejects.toThrow(
      /line 1: must have "chosen" and "rejected", which dpo learns from/,
    );
    await expect(prepareRun(await recipeOf("stage", "dpo: {}", "stage-1"))).rejects.toThrow(
      /dpo: learns from answers, got stage 1; name stage "2", released, full or behind-vision/,
    );
    await expect(prepareRun(await recipeOf("crops", `${dpo}\naugment: true`))).rejects.toThrow(
      /augment: must be false with dpo/,
    );
    await expect(prepareRun(await recipeOf("typo", "dpo: { betta: 1 }"))).rejects.toThrow(
      /dpo\.betta: no such key; did you mean beta\?/,
    );
  });
});
