// Every family of language models and every vision tower inside a web page: the tokens that Node gives.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleOwl } from "../src/assembly/index.ts";
import type { PageSettings } from "../src/browser/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import type { Asked, Harness, Question } from "./browser/page.ts";
import { answersInNode, ask, openPage, Site } from "./browser/site.ts";
import { families, fixture, writeFamily } from "./family-fixture.ts";
import { chromiumPath, skipChromium } from "./setup/chromium.ts";
import { shared, sharedAvailable } from "./shared.ts";

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
    await requireSameAnswers(model);
  });

  // Products of whole numbers are computed otherwise than in Node, and a random model tells such numbers apart.
  test.skipIf(!sharedAvailable)(
    "mPLUG-Owl2 answers about a picture as in Node, and in eight bits too",
    async () => {
      for (const quantize of ["q8", "none"] as const) {
        const model = `made/owl2-${quantize}`;
        await convertCheckpoint(shared("golden/tiny-owl2"), join(site.work, model), {
          quantize,
          blockSize: 32,
        });
        if (quantize === "none") await requireSameAnswers(model);
        else for (const { ids } of await answersInPage(model)) expect(ids).toHaveLength(8);
      }
    },
  );

  test.skipIf(!sharedAvailable)(
    "a reader of documents answers from the files as they are published, as in Node",
    async () => {
      const model = "made/reader";
      const from = shared("golden/tiny-ureader");
      mkdirSync(join(site.work, model), { recursive: true });
      const own = /^(config|preprocessor_config|tokenizer|special_tokens|model)/;
      for (const file of readdirSync(from).filter((name) => own.test(name))) {
        copyFileSync(join(from, file), join(site.work, model, file));
      }
      await requireSameAnswers(model);
    },
  );

  // Pictures are cut here; the first version sees two pictures whole.
  test.skipIf(!sharedAvailable).each(["240728", "241014", "241101"])(
    "mPLUG-Owl3 (%s) answers about a picture, two and none as in Node, and in four and eight bits too",
    async (version) => {
      const two: Question = { text: "abc", pictures: ["/examples/owl.png", "/examples/sunflower.png"] };
      for (const quantize of ["q4", "q8", "none"] as const) {
        const model = `made/owl3-${version}-${quantize}`;
        await convertCheckpoint(shared(`golden/tiny-owl3/${version}`), join(site.work, model), {
          quantize,
          blockSize: 32,
        });
        const asked = [question, two, { text: "abc" }];
        if (quantize === "none") await requireSameAnswers(model, asked, greedy);
        else for (const { ids } of await answersInPage(model, asked, greedy)) expect(ids).toHaveLength(8);
      }
    },
  );

  // Nothing unpacks the weights of these, and sums of whole numbers are the same everywhere.
  test.skipIf(!sharedAvailable).each(["tiny-bloom", "tiny-owl2", "tiny-owl3/240728"])(
    "%s in eight bits of one scale a row answers as in Node",
    async (name) => {
      const model = `made/rows-${name.replace("/", "-")}`;
      await convertCheckpoint(shared(`golden/${name}`), join(site.work, model), {
        quantize: "q8",
        blockSize: "row",
      });
      await requireSameAnswers(model, [question, { text: "abc" }], greedy);
    },
  );

  test("WebAssembly multiplies bytes exactly as they are written", async () => {
    const found = await page.evaluate(() => harness.integerProducts());
    expect(found).toEqual({ settings: {}, constantsOnly: false });
  });

  const question: Question = { text: "abc", pictures: ["/examples/owl.png"] };
  const brief: PageSettings = { maxNewTokens: 8 };
  /** For checkpoints whose own settings draw tokens. */
  const greedy: PageSettings = { ...brief, doSample: false, repetitionPenalty: 1, eosTokenIds: [] };

  async function answersInPage(model: string, questions = [question], settings = brief) {
    await page.evaluate((at) => harness.open("plain", { model: at }), `/models/${model}`);
    const answers: Asked[] = [];
    for (const asked of questions) answers.push(await ask(page, asked, settings));
    for (const { error } of answers) expect(error).toBeUndefined();
    return answers;
  }

  async function requireSameAnswers(model: string, questions = [question], settings = brief): Promise<void> {
    const expected = await answersInNode(join(site.work, model), questions, settings);
    for (const { ids } of expected) expect(ids.length).toBeGreaterThan(1);
    const found = await answersInPage(model, questions, settings);
    expect(found.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
  }
});
