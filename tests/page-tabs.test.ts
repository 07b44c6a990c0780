import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  addExamples,
  answered,
  answers,
  ask,
  field,
  openStage,
  patience,
  questions,
  rambling,
  type Stage,
  set,
  stallAnswers,
  storedIn,
  textOf,
} from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";

/** A second tab of the same browser, which shows the same conversation. */
async function secondTab(page: Page): Promise<Page> {
  const tab = await (page.context() as BrowserContext).newPage();
  tab.setDefaultTimeout(patience);
  await tab.goto(page.url());
  await tab.getByText("owl-nano").first().waitFor({ state: "attached" });
  return tab;
}

const asked = async (page: Page): Promise<string[]> => questions(page).locator(".text").allInnerTexts();

/** The turns in the browser's store. */
const stored = async (page: Page) => (await storedIn(page)).flatMap(({ turns }) => turns);

/** The Back button of a phone. */
const back = (page: Page): Promise<void> => page.evaluate(() => history.back());

describe.skipIf(skipChromium)("the page in two tabs, and its history", { timeout: 4 * patience }, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage();
  }, 10 * patience);

  afterAll(() => stage?.close());

  it("what one tab writes the other shows, and no turn of either is lost", async () => {
    const { page, faults, close } = await stage.open();
    await ask(page, "what do cats eat?");
    const tab = await secondTab(page);
    expect(await asked(tab)).toEqual(["what do cats eat?"]);
    await ask(tab, "what do dogs eat?");
    await expect.poll(() => asked(page)).toEqual(["what do cats eat?", "what do dogs eat?"]);
    await expect.poll(() => textOf(answers(page).last())).toBe(await textOf(answers(tab).last()));
    await ask(page, "and bees?");
    await expect.poll(() => asked(tab)).toHaveLength(3);

    // Both ask at once: as branches or one after the other, all of it is kept.
    await Promise.all([field(page).fill("first?"), field(tab).fill("second?")]);
    await Promise.all([field(page).press("Enter"), field(tab).press("Enter")]);
    await Promise.all([answered(page), answered(tab)]);
    await expect.poll(() => stored(page)).toHaveLength(10);
    for (const one of [page, tab]) {
      await one.reload();
      const texts = (await stored(one)).map(({ text }) => text);
      for (const question of ["first?", "second?"]) expect(texts).toContain(question);
      expect((await stored(one)).every(({ state = "done" }) => state === "done")).toBe(true);
    }

    // A title and a setting reach the other tab, too.
    await page.keyboard.press("Alt+s");
    await page.getByRole("switch", { name: "Sampling" }).check();
    await page.getByRole("button", { name: "Done" }).click();
    await tab.keyboard.press("Alt+s");
    await expect.poll(() => tab.getByRole("switch", { name: "Sampling" }).isChecked()).toBe(true);
    expect(faults).toEqual([]);
    await close();
  });

  it("what is deleted in one tab does not come back from the other, not even while that one answers", async () => {
    const { page, faults, close } = await stage.open();
    await ask(page, "what do cats eat?");
    const tab = await secondTab(page);
    const title = (name: RegExp) => ({
      here: page.getByRole("navigation").getByRole("button", { name }),
      there: tab.getByRole("navigation").getByRole("button", { name }),
    });
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    await page.route("**/v1/chat/completions", async (route) => {
      await gate;
      await route.continue();
    });
    await field(page).fill("what do dogs eat?");
    await field(page).press("Enter");
    await expect.poll(() => asked(tab)).toHaveLength(2);
    await tab.keyboard.press("Alt+x");
    await page.getByText(/was deleted in another tab\.$/).waitFor();
    await expect.poll(() => title(/^what do cats/).here.count()).toBe(0);
    go();
    for (const one of [page, tab]) {
      await one.reload();
      await one.getByText("Conversations are kept here").waitFor();
    }
    // Undoing the deletion in one tab restores it in both.
    await ask(page, "what do bees eat?");
    await expect.poll(() => title(/^what do bees/).there.count()).toBe(1);
    await page.keyboard.press("Alt+x");
    await expect.poll(() => title(/^what do bees/).there.count()).toBe(0);
    await page.keyboard.press("Alt+z");
    await expect.poll(() => title(/^what do bees/).there.count()).toBe(1);
    expect(faults).toEqual([]);
    await close();
  });

  it("a reload in the middle of an answer keeps its words and says that it was interrupted", async () => {
    const { page, faults, close } = await stage.open();
    await set(page, rambling, true);
    await stallAnswers(page);
    // Inside the page, as soon as some words show.
    await page.evaluate(() => {
      new MutationObserver((_, observer) => {
        const text = document.querySelector(".writing .markdown")?.textContent ?? "";
        if (text.length < 12) return;
        observer.disconnect();
        sessionStorage.setItem("seen", text);
        location.reload();
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const reloaded = page.waitForNavigation();
    await field(page).fill("tell me a story");
    await field(page).press("Enter");
    await reloaded;
    await answers(page).getByText("Interrupted here: the page was closed.").waitFor();
    const seen = await page.evaluate(() => sessionStorage.getItem("seen"));
    expect((await textOf(answers(page))).replaceAll(/\s+/g, " ")).toContain(seen?.trim().slice(0, 10));
    expect(faults).toEqual([]);
    await close();
  });

  it("Back closes what is open, then leads to the conversation before", async () => {
    const viewport = { width: 390, height: 780 };
    const { page, faults, close } = await stage.open({ viewport, isMobile: true, hasTouch: true });
    const url = page.url();
    await addExamples(page, "owl.png");
    await ask(page, "what is this?");
    const first = page.url();
    await page.getByRole("button", { name: "New conversation" }).tap();
    await ask(page, "what do cats eat?");
    const second = page.url();
    expect(new Set([url, first, second]).size).toBe(3);

    for (const open of ["Settings", "Help", "Conversations"]) {
      await page.getByRole("button", { name: open, exact: true }).tap();
      const opened = open === "Conversations" ? page.getByRole("navigation") : page.getByRole("dialog");
      await opened.waitFor();
      await back(page);
      await opened.waitFor({ state: "detached" });
      expect(page.url()).toBe(second);
    }
    // A dialog that was closed by its own button leaves no entry for Back.
    await page.getByRole("button", { name: "Settings", exact: true }).tap();
    await page.getByRole("button", { name: "Done" }).tap();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await back(page);
    await expect.poll(() => page.url()).toBe(first);
    await expect.poll(() => asked(page)).toEqual(["what is this?"]);
    await questions(page).getByRole("button", { name: "owl.png" }).tap();
    await page.getByRole("dialog", { name: "Where the owl looks" }).waitFor();
    await back(page);
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(page.url()).toBe(first);

    // Two conversations of the same question are told apart, and one is chosen.
    await page.getByRole("button", { name: "Conversations", exact: true }).tap();
    const items = page.getByRole("navigation").getByRole("listitem");
    await expect.poll(() => items.count()).toBe(2);
    expect(await items.nth(1).innerText()).toMatch(/what is this\?[\s\S]*owl/);
    await expect.poll(() => items.nth(1).getByRole("presentation").count()).toBeGreaterThan(0);
    await items.nth(0).getByRole("button").first().tap();
    await expect.poll(() => page.url()).toBe(second);
    await page.getByRole("navigation").waitFor({ state: "detached" });
    await back(page);
    await expect.poll(() => page.url()).toBe(first);
    expect(faults).toEqual([]);
    await close();
  });
});
