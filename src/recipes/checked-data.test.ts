import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { loadTextModel } from "./base-model.ts";
import { checkPlace, keptCheck } from "./checked-data.ts";
import { checkData, prepareRun, readingOfRecipe, readRecipeFile } from "./index.ts";

let owl: Awaited<ReturnType<typeof owlFixture>>;
let folder: string;
let recipe: string;
const at = (name: string): string => join(folder, name);
const row = (answer: string): string =>
  JSON.stringify({ image: ["pictures/red.png"], text: `Human: <image>\nHuman: which?\nAI: ${answer}` });
const check = async (decode = true) =>
  checkData(await readingOfRecipe(recipe, {}), { decode, problemsKept: 20 });
/** Whether the check of each file holds for a run with such settings. */
async function isKnown(set: readonly string[] = [], decoded = false): Promise<boolean[]> {
  const plan = await readRecipeFile(recipe, { set });
  const { tokenizerFiles, ...model } = await loadTextModel(plan);
  const kept = plan.data.map((file, i) =>
    keptCheck(checkPlace(plan, "data", i), { file, plan, model, tokenizerFiles }, { decoded }),
  );
  return (await Promise.all(kept)).map((known) => known !== undefined);
}

beforeAll(async () => {
  owl = await owlFixture();
  folder = await mkdtemp(join(tmpdir(), "owl-checked-"));
  await mkdir(at("pictures"));
  const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } });
  await picture.png().toFile(at("pictures/red.png"));
  await utimes(at("pictures"), 1e9, 1e9);
  await writeFile(at("rows.jsonl"), ["red", "reddish"].map(row).join("\n"));
  await writeFile(at("texts.jsonl"), JSON.stringify({ text: "Human: hi\nAI: hello" }));
  const text = `extends: stage-2\nmodel: ${owl.directory}\noutput: run\ndata: [{ file: rows.jsonl }, { file: texts.jsonl }]\nsteps: 1\nwarmup: 0\nbatch: 4\ngroupByLength: 8\nmaxTokens: 64\n`;
  await writeFile(at("recipe.yaml"), text);
  recipe = at("recipe.yaml");
});
afterAll(async () => {
  owl.remove();
  await rm(folder, { recursive: true });
});

it("a run learns the same from rows that were checked before, without checking them again", async () => {
  const first = await prepareRun(recipe, { output: at("other") });
  await first.start({ device: { threads: 1 } });
  const { files } = await check();
  expect(files.map(({ kept }) => kept)).toEqual([
    at("run/checked/data-1.rows"),
    at("run/checked/data-2.rows"),
  ]);
  const run = await prepareRun(recipe);
  expect([first.checkedBefore, run.checkedBefore]).toEqual([
    [false, false],
    [true, true],
  ]);
  for (const key of ["rows", "shortenedRows", "cutRows", "usesPictures", "promptTemplate"] as const)
    expect(run[key]).toEqual(first[key]);
  await run.start({ device: { threads: 1 } });
  const lossOf = async (output: string): Promise<unknown> =>
    /"loss":[^,}]+/.exec(await readFile(at(`${output}/log.jsonl`), "utf8"))?.[0];
  expect(await lossOf("run")).toBe(await lossOf("other"));
});

it("what changed since the check is checked again", async () => {
  expect(await isKnown(["maxTokens=48"])).toEqual([false, false]);
  expect(await isKnown(["dpo={}"])).toEqual([false, false]);
  expect(await isKnown(["system=Be kind."])).toEqual([false, false]);
  expect(await isKnown(["data.0.rows=1"])).toEqual([false, true]);
  expect(await isKnown([], true)).toEqual([true, true]);
  await check(false);
  expect(await isKnown([], true)).toEqual([false, false]);
  expect(await isKnown()).toEqual([true, true]);
  await copyFile(at("pictures/red.png"), at("pictures/more.png"));
  expect(await isKnown()).toEqual([false, true]);
  await utimes(at("pictures"), 1e9, 1e9);
  await writeFile(at("rows.jsonl"), ["red", "reddest"].map(row).join("\n"));
  expect(await isKnown()).toEqual([false, true]);
  await writeFile(at("rows.jsonl"), row(""));
  const bad = await check();
  expect(bad.files.map(({ kept }) => kept !== undefined)).toEqual([true, true]);
  await writeFile(at("rows.jsonl"), "{broken");
  expect((await check()).files.map(({ kept }) => kept !== undefined)).toEqual([false, true]);
});
