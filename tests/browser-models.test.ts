// Every family of language models and every vision tower inside a web page: the tokens that Node gives.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleOwl } from "../src/assembly/index.ts";
import type { Harness, Question } from "./browser/page.ts";
import { answersInNode, ask, openPage, Site } from "./browser/site.ts";
import { families, fixture, writeFamily } from "./family-fixture.ts";
import { chromiumPath, skipChromium } from "./setup/chromium.ts";

declare const harness: Harness;

const towers = ["parts/clip", "towers/siglip", "towers/dinov2", "towers/dinov2-registers", "towers/dinov3"];

describe.skipIf(skipChromium)("inside a web page (Chromium)", { timeout: 300_000 }, () => {
  const site = new Site();
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    await site.build();
    browser = await chromium.launch({ executablePath: chromiumPath() });
    page = await openPage(site.isolated, browser);
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    site.close();
  });

  const models = [...families.map((family) => [family, `families/${family}`]), ["bloom", "parts/bloom"]];
  const rows = models.map(([family, from], i) => [family, towers[i % towers.length], from] as const);

  test.each(rows)("%s with %s answers about a picture as in Node", async (family, vision, from) => {
    const model = `made/${family}`;
    const directory = join(site.work, model);
    mkdirSync(join(site.work, "made"), { recursive: true });
    const language = writeFamily(family, `${directory}-language`, from);
    await assembleOwl(directory, { vision: fixture(vision), language, queries: 2, abstractorLayers: 1 });
    const question: Question = { text: "abc", pictures: ["/examples/owl.png"] };
    const [expected] = await answersInNode(directory, [question], { maxNewTokens: 8 });
    expect(expected.ids.length).toBeGreaterThan(1);
    await page.evaluate((at) => harness.open("plain", { model: at }), `/models/${model}`);
    const { ids, error } = await ask(page, question, { maxNewTokens: 8 });
    expect(error).toBeUndefined();
    expect(ids).toEqual(expected.ids);
  });
});
