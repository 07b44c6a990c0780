// Every family of language models and every vision tower inside a web page: the tokens that Node gives.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleOwl } from "../src/assembly/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import type { Harness, Question } from "./browser/page.ts";
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
    await requireSameAnswer(model);
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
        if (quantize === "none") await requireSameAnswer(model);
        else expect((await answerInPage(model)).ids).toHaveLength(8);
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
      await requireSameAnswer(model);
    },
  );

  const question: Question = { text: "abc", pictures: ["/examples/owl.png"] };

  async function answerInPage(model: string) {
    await page.evaluate((at) => harness.open("plain", { model: at }), `/models/${model}`);
    const answer = await ask(page, question, { maxNewTokens: 8 });
    expect(answer.error).toBeUndefined();
    return answer;
  }

  async function requireSameAnswer(model: string): Promise<void> {
    const [expected] = await answersInNode(join(site.work, model), [question], { maxNewTokens: 8 });
    expect(expected.ids.length).toBeGreaterThan(1);
    expect((await answerInPage(model)).ids).toEqual(expected.ids);
  }
});
