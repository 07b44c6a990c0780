import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeParameters } from "../../src/model/index.ts";
import { rootScope } from "../../src/tensor/index.ts";
import type { Figure, Figures } from "../evaluation/figures.ts";
import { score } from "../evaluation/scoring.ts";
import { SEED, SHORT_OWL, SHORT_RECIPES, type StageName } from "../recipes.ts";
import { encodeText } from "../training/encode-text.ts";
import { trainStage, weightsAfter } from "../training/pipeline.ts";
import { type Plan, planTokenizer, stagesBefore } from "../training/plan.ts";
import { loadMaterial } from "../training/sources.ts";
import { languageSource } from "../training/text-sources.ts";
import { seededRunOf, unmeasured, writeAblation } from "./ablate.ts";
import { ABLATION_STEPS, idOf, planOf, runDirectory, seededRuns, trainedStages } from "./runs.ts";

const directory = mkdtempSync(join(tmpdir(), "ablation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const STEPS = ABLATION_STEPS.instruct;
let plan: Plan;

beforeAll(async () => {
  const one = <T extends object>(recipe: T): T => ({ ...recipe, batch: 2, microBatch: 2, steps: 1 });
  plan = {
    config: {
      ...SHORT_OWL,
      language: { ...SHORT_OWL.language, vocabulary: 2048 },
      abstractor: { ...SHORT_OWL.abstractor, intermediate: 448 },
    },
    recipes: {
      language: one(SHORT_RECIPES.language),
      vision: one(SHORT_RECIPES.vision),
      layout: one(SHORT_RECIPES.layout),
      comparing: one(SHORT_RECIPES.comparing),
      answers: one(SHORT_RECIPES.answers),
      phrasing: one(SHORT_RECIPES.phrasing),
      documents: one(SHORT_RECIPES.documents),
      counting: one(SHORT_RECIPES.counting),
      reading: one(SHORT_RECIPES.reading),
      align: one(SHORT_RECIPES.align),
      instruct: one(SHORT_RECIPES.instruct),
    },
    material: await loadMaterial(),
    tokenizerTexts: 2000,
    visionSize: 64,
    directory,
  };
});

const planOfRun = (id: string): Plan => planOf(plan, seededRunOf(id, STEPS));
const before = (id: string, stage: StageName): string[] => {
  const own = planOfRun(id);
  return stagesBefore(own, stage).map((earlier) => {
    const place = own.places?.[earlier];
    return place === undefined ? earlier : place.slice(join(directory, "ablation/").length);
  });
};

test("each run goes on from the stages that it does not leave out", () => {
  expect(before("full-1", "reading")).toEqual(["shared/language", "layout"]);
  expect(before("full-1", "align")).toEqual(["shared/language", "shared/reading"]);
  expect(before("B-2", "instruct")).toEqual(["shared/language", "shared/align"]);
  expect(before("A-1", "instruct")).toEqual(["shared/language", "layout"]);
  expect(before("E-1", "align")).toEqual(["E/language", "layout"]);
  expect(before("E-1", "instruct")).toEqual(["E/language", "E/align"]);
  expect(before("F-1", "align")).toEqual(["shared/language"]);
  expect(before("F-1", "instruct")).toEqual(["shared/language", "F/align"]);
  expect(trainedStages(seededRunOf("A-1", STEPS).run)).toEqual(["language", "instruct"]);
  expect(trainedStages(seededRunOf("D-1", STEPS).run)).toEqual(["language", "reading", "align"]);
});

test("stage 2 of the runs differs by its texts and seed alone, and has a place of its own", () => {
  const [full, second, words] = ["full-1", "full-2", "C-1"].map(planOfRun);
  const { seed, ...recipe } = full.recipes.instruct;
  expect(second.recipes.instruct).toEqual({ ...recipe, seed: seed + 1 });
  expect(seed).toBe(SEED + 1);
  expect(words.recipes).toEqual(full.recipes);
  expect(words.material.lessons.texts).toEqual({ ...full.material.lessons.texts, instruct: { talk: 7 } });
  const { talk, ...pictured } = full.material.lessons.texts.instruct;
  expect(talk).toBe(7);
  expect(planOfRun("B-1").material.lessons.texts.instruct).toEqual(pictured);
  const places = seededRuns(3, STEPS).map((seeded) => runDirectory(directory, seeded));
  expect(new Set(places).size).toBe(6 * 3 + 1);
  expect(runDirectory("runs", seededRunOf("A-1", 100))).toBe("runs/ablation/A-1-100-steps");
  expect(() => seededRunOf("G-1", STEPS)).toThrow('got "G-1"');
});

test("the language stage has captions behind notes, that of E the same captions without", async () => {
  const [shared, words] = ["full-1", "E-1"].map((id) =>
    languageSource(planOfRun(id).material, "language", SEED),
  );
  for (const index of [0, 8, 9, 19]) {
    const [noted, plain] = [await shared.example(index), await words.example(index)];
    expect(noted.text.replace("<image>", "")).toBe(plain.text);
    expect(noted.text.startsWith("<image>")).toBe(index > 8);
    expect(noted.text).not.toContain("Human: <image>");
  }
});

function figures(right: number): Figures {
  const one = (ability: string): Figure => ({
    ability,
    set: "all",
    score: score(right, 100),
    byDrawing: score(right, 100).interval,
    blind: score(5, 100),
    chance: 0.1,
  });
  const letters = { a: one("instruction") };
  return {
    split: "test",
    rows: [],
    abilities: [one("counting")],
    letters,
    overall: one("all questions"),
    declined: one("declined"),
  };
}

test("the document is written when all runs are measured, and keeps what a person wrote", () => {
  const runs = mkdtempSync(join(directory, "figures-"));
  expect(() => writeAblation(runs, runs, 2, STEPS)).toThrow("measure that run first");
  for (const [i, seeded] of unmeasured(runs, 2, STEPS).entries()) {
    mkdirSync(runDirectory(runs, seeded), { recursive: true });
    writeFileSync(
      join(runDirectory(runs, seeded), "figures.json"),
      JSON.stringify(figures(idOf(seeded) === "full-2" ? 90 : 80 - i)),
    );
  }
  expect(unmeasured(runs, 2, STEPS)).toEqual([]);
  expect(existsSync(join(runs, "ablation.md"))).toBe(false);
  writeAblation(runs, runs, 2, STEPS);
  const document = readFileSync(join(runs, "ablation.md"), "utf8");
  expect(document).toContain("| ability, % | full | A | B | C | D | E | F |");
  expect(document).toContain("| a: instruction | 85.0 (");
  expect(readFileSync(join(runs, "ablation.svg"), "utf8")).toContain(">A: without stage 1</text>");
  writeFileSync(join(runs, "ablation.md"), `${document}\nIt agrees.\n`);
  writeAblation(runs, runs, 1, STEPS);
  const again = readFileSync(join(runs, "ablation.md"), "utf8");
  expect(again).toContain("| a: instruction | 80.0 (");
  expect(again).toContain("\nIt agrees.\n");
});

test("runs that leave stages out have every weight all the same", async () => {
  const tokenizer = planTokenizer(plan);
  const caption = encodeText("<image>a frog.", tokenizer, { maxLength: 100, tokensPerImage: 73 });
  expect(caption.spans).toHaveLength(1);
  const names = [...describeParameters(plan.config, rootScope({}))].map(({ name }) => name).sort();
  for (const stage of ["vision", "layout"] as const) await trainStage(plan, stage);
  for (const id of ["A-1", "F-1"]) {
    const brief = { ...planOfRun(id), recipes: plan.recipes };
    for (const stage of trainedStages(seededRunOf(id, STEPS).run)) await trainStage(brief, stage);
    expect([...(await weightsAfter(brief, "instruct")).keys()].sort(), id).toEqual(names);
  }
});
