// The page with an mPLUG-Owl3, whose pictures are cut and stand beside the text, on the server and in the browser itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Owl } from "../src/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import { createServer } from "../src/server/index.ts";
import { picturePath } from "../src/server/testing/owl-server.ts";
import { onSocket } from "../src/server/testing/socket.ts";
import { addExamples, ask, launch, openPage, patience, questions, set } from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";
import { builtPage } from "./setup/page.ts";
import { shared, sharedAvailable } from "./shared.ts";

const text = "what is this?";

describe.skipIf(skipChromium || !sharedAvailable)(
  "the page with mPLUG-Owl3",
  { timeout: 12 * patience },
  () => {
    const work = mkdtempSync(join(tmpdir(), "owl3-page-"));
    let browser: Browser;
    let directory: string;

    beforeAll(async () => {
      [directory, browser] = await Promise.all([builtPage(), launch()]);
    }, 600_000);

    afterAll(async () => {
      await browser?.close();
      rmSync(work, { recursive: true });
    });

    it.each(["q4", "q8"] as const)("in %s: one picture, two, and where its words look", async (quantize) => {
      const model = join(work, quantize);
      await convertCheckpoint(shared("golden/tiny-owl3/241014"), model, { quantize, blockSize: 32 });
      const owl = await Owl.load(model, { threads: 1, onWarning: () => undefined });
      const server = createServer({ models: { owl3: { owl, directory: model } }, page: directory });
      const socket = await onSocket(server);
      const { page, faults, close } = await openPage(browser, socket.url, {}, "owl3");
      page.setDefaultTimeout(3 * patience);
      await set(page, { "Longest answer": "8" }, false);
      await addExamples(page, "owl.png");
      const image = { type: "image" as const, image: picturePath("owl.png") };
      const message = { role: "user" as const, content: [image, { type: "text" as const, text }] };
      const expected = await owl.chat([message], { doSample: false, maxNewTokens: 8 }).text();
      expect(await ask(page, text)).toBe(expected.trim());
      await page.keyboard.press("Alt+s");
      await page.getByRole("switch", { name: "In this browser" }).setChecked(true);
      await page.getByRole("button", { name: "Done" }).click();
      for (const names of [["owl.png"], ["owl.png", "sunflower.png"]]) {
        await page.keyboard.press("Alt+n");
        await addExamples(page, ...names);
        expect(await ask(page, text)).not.toBe("");
      }
      await questions(page).getByRole("button", { name: "sunflower.png" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.locator("figure canvas").waitFor();
      const maps = await owl.attention(picturePath("sunflower.png"), { question: text });
      const words = await dialog.getByRole("radio", { name: /^Word / }).all();
      expect(words).toHaveLength(maps.queries);
      const canvas = dialog.locator("figure canvas");
      expect([await canvas.getAttribute("width"), await canvas.getAttribute("height")]).toEqual(
        [maps.columns, maps.rows].map(String),
      );
      await close();
      expect(faults).toEqual([]);
      await socket.close();
      await server.close();
      await owl.close();
    });
  },
);
