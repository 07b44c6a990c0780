import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../src/index.ts";
import type { Harness, Question } from "./browser/page.ts";
import { answersInNode, ask, openPage, root, Site } from "./browser/site.ts";
import { chromiumPath, skipChromium, softwareGpu } from "./setup/chromium.ts";

declare const harness: Harness;

const questions: readonly Question[] = [
  { text: "what is this?", pictures: ["/examples/owl.png"] },
  { text: "what do cats eat?" },
];

describe.skipIf(skipChromium)("on a web page's GPU (Chromium, SwiftShader)", { timeout: 600_000 }, () => {
  const site = new Site();
  const { isolated } = site;
  let expected: readonly Answer[];
  let browser: Browser;

  beforeAll(async () => {
    await site.build();
    expected = await answersInNode(join(root, "models/owl-nano"), questions);
    browser = await chromium.launch({ executablePath: chromiumPath(), args: softwareGpu });
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    site.close();
  });

  it("finds a GPU that computes wrongly before it answers, says so, and goes on with the processor", async () => {
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("plain"));
    expect((await ask(page, questions[0])).ids).toEqual(expected[0].ids);
    const events = await page.evaluate(() => harness.events());
    const [fallback, ready] = events.filter(({ kind }) => kind !== "transfer");
    expect(fallback).toMatchObject({
      kind: "fallback",
      reason: expect.stringMatching(
        /^The GPU cannot be used; the processor goes on.*attention over 32 tokens/s,
      ),
    });
    expect(ready).toMatchObject({ kind: "ready", device: "cpu" });
    await page.close();
  });

  it("answers token for token as Node does on a sound one, and survives its loss", async () => {
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("gpu"));
    expect((await ask(page, questions[0])).ids).toEqual(expected[0].ids);
    expect(await page.evaluate(() => harness.device())).toBe("webgpu");

    const lost = await page.evaluate((it) => harness.askAnd("lose the GPU", it), questions[1]);
    expect(lost.error).toBe("DeviceLostError");
    expect(lost.text).not.toBe("");
    const events = await page.evaluate(() => harness.events());
    expect(events.at(-1)).toMatchObject({
      kind: "fallback",
      reason: expect.stringContaining("the GPU was lost"),
    });

    for (const [i, question] of questions.entries()) {
      expect((await ask(page, question)).ids).toEqual(expected[i].ids);
    }
    expect(await page.evaluate(() => harness.device())).toBe("cpu");
    await page.close();
  });
});
