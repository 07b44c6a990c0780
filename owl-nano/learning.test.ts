import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openDevice } from "../src/runtime/index.ts";
import { answererOf } from "./evaluation/answering.ts";
import { evaluateSet, table, testItems } from "./evaluation/evaluation.ts";
import { SHORT_CONCEPTS, SHORT_OWL, SHORT_RECIPES, VISION_SIZE } from "./recipes.ts";
import { trainStage, weightsAfter } from "./training/pipeline.ts";
import { type Plan, shippedTokenizer } from "./training/plan.ts";
import { loadMaterial } from "./training/sources.ts";

const directory = mkdtempSync(join(tmpdir(), "short-owl-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Chance is 1 in 8 for names and colors, 0.38 for follow-ups; the recipe reached 0.73, 1 and 1. */
const LEAST = { name: 0.4, color: 0.5, followUp: 0.6 };

it("a very small owl learns in five stages to name unseen drawings of eight things, from nothing", async () => {
  const material = await loadMaterial(SHORT_CONCEPTS);
  const plan: Plan = {
    config: SHORT_OWL,
    recipes: SHORT_RECIPES,
    material,
    tokenizerTexts: 2000,
    visionSize: VISION_SIZE,
    directory,
  };
  for (const stage of ["language", "vision", "reading", "align", "instruct"] as const) {
    const began = performance.now();
    await trainStage(plan, stage);
    console.log(`${stage}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  const owl = answererOf(
    SHORT_OWL,
    await weightsAfter(plan, "instruct"),
    shippedTokenizer(plan),
    await openDevice(),
  );
  const report = await evaluateSet(
    "S1",
    testItems(material, material.sprites.S1, 120),
    material.concepts,
    owl.answer,
  );
  await owl.close();
  console.log(table([report]));
  expect(report.sees.name.share).toBeGreaterThan(LEAST.name);
  expect(report.sees.color.share).toBeGreaterThan(LEAST.color);
  expect(report.sees.followUp.share).toBeGreaterThan(LEAST.followUp);
  // Blind it must not get there: what it knows, it sees.
  expect(report.blind.name.share).toBeLessThan(LEAST.name / 1.5);
  expect(report.blind.color.share).toBeLessThan(LEAST.color / 1.3);
}, 300_000);
