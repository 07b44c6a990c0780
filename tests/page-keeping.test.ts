import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  addExamples,
  answered,
  answers,
  ask,
  field,
  type OpenedPage,
  openStage,
  patience,
  questions,
  removeFiles,
  type Stage,
  storedIn,
  textOf,
} from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";

const asked = async (page: Page): Promise<string[]> => questions(page).locator(".text").allInnerTexts();

/** How many turns each conversation in the browser's store has. */
const storedTurns = async (page: Page): Promise<number[]> =>
  (await storedIn(page)).map(({ turns }) => turns.length).sort();

describe.skipIf(skipChromium)(
  "what the page keeps when its store fails it",
  { timeout: 3 * patience },
  () => {
    let stage: Stage;
    let opened: OpenedPage;
    let page: Page;

    beforeAll(async () => {
      stage = await openStage();
    }, 10 * patience);

    afterAll(() => stage?.close());

    beforeEach(async () => {
      opened = await stage.open();
      ({ page } = opened);
    });

    afterEach(async () => {
      await opened.close();
      expect(opened.faults).toEqual([]);
    });

    it("a full store loses no turn, and gets all of them as soon as it has room", async () => {
      // A full disk, as the browser reports it.
      await page.evaluate(() => {
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (...given) {
          if (Reflect.get(globalThis, "isFull") === true) throw new DOMException("", "QuotaExceededError");
          return put.apply(this, given);
        };
      });
      const setFull = (is: boolean) =>
        page.evaluate((isFull) => void Object.assign(globalThis, { isFull }), is);
      await ask(page, "what do cats eat?");
      await setFull(true);
      await ask(page, "what do dogs eat?");
      await page.getByText("The browser's store is full: export conversations and delete some.").waitFor();
      await page.keyboard.press("Alt+n");
      await ask(page, "what do bees eat?");
      expect(await asked(page)).toEqual(["what do bees eat?"]);
      expect(await page.getByText(/deleted in another tab/).count()).toBe(0);
      await page.evaluate(() => history.back());
      await expect.poll(() => asked(page)).toEqual(["what do cats eat?", "what do dogs eat?"]);
      await setFull(false);
      // Deleting one makes room for the others.
      await page.keyboard.press("Alt+n");
      await ask(page, "what is a cloud?");
      await page.keyboard.press("Alt+x");
      await page.getByText("The conversation is cleared.").waitFor();
      // The page shows a change at once and stores it behind: a reload must wait for that.
      await expect.poll(() => storedTurns(page)).toEqual([2, 4]);
      await page.reload();
      const items = page.getByRole("navigation").getByRole("listitem");
      await expect.poll(() => items.count()).toBe(2);
      await items.getByRole("button", { name: /^what do bees eat/ }).waitFor();
      await items.getByRole("button", { name: /^what do cats eat/ }).click();
      await expect.poll(() => asked(page)).toEqual(["what do cats eat?", "what do dogs eat?"]);
    });

    it("a page that goes before its store has taken anything loses nothing, nor does one whose pictures another removed as nobody's", async () => {
      await addExamples(page, "owl.png");
      // As a tab would that knows nothing of this one.
      await removeFiles(page);
      await ask(page, "what is this?");
      await expect.poll(async () => (await storedIn(page, "files")).length).toBe(1);
      await addExamples(page, "penguin.png");
      // A slow disk: this transaction does not end before the page does, and those that follow do not begin.
      await page.evaluate(async () => {
        const open = indexedDB.open("mplug-owl");
        await new Promise((resolve) => {
          open.onsuccess = resolve;
        });
        const conversations = open.result
          .transaction("conversations", "readwrite")
          .objectStore("conversations");
        const goOn = (): void => {
          conversations.get("").onsuccess = goOn;
        };
        goOn();
      });
      const said = await ask(page, "and what is this?");
      await page.reload();
      for (const name of ["owl.png", "penguin.png"])
        await questions(page).getByRole("img", { name }).waitFor();
      expect(await asked(page)).toEqual(["what is this?", "and what is this?"]);
      expect(await textOf(answers(page).last())).toBe(said);
      expect(await answers(page).getByText("The page was closed").count()).toBe(0);
      await expect.poll(() => storedTurns(page)).toEqual([4]);
      expect(
        await page.evaluate(() => Object.keys(localStorage).filter((key) => /unstored/.test(key))),
      ).toEqual([]);
    });

    it("a picture whose bytes are gone ends no conversation and no export", async () => {
      await addExamples(page, "owl.png", "penguin.png");
      await ask(page, "what is this?");
      await removeFiles(page);
      await page.reload();
      await field(page).fill("what does it eat?");
      await field(page).press("Enter");
      for (const name of ["owl.png", "penguin.png"]) {
        await page
          .getByRole("group", { name: "Not answered" })
          .getByText(`"${name}" is no longer in this browser.`)
          .waitFor();
        if (name === "owl.png") {
          const download = page.waitForEvent("download");
          await page.getByRole("button", { name: "Export", exact: true }).click();
          await download;
          await page.getByText(/^Exported without what is no longer in this browser: /).waitFor();
        }
        await page.getByRole("button", { name: `Ask without ${name}` }).click();
      }
      expect(await answered(page)).not.toBe("");
    });

    it("an address of no conversation says so; Back closes a dialog after a reload and a step forward, too", async () => {
      // One that another tab stores late is shown as soon as it is there.
      await page.goto(`${stage.url}/#late`);
      await page.reload();
      await page.getByText("This conversation is not in this browser.").waitFor();
      await page.evaluate(async () => {
        const open = indexedDB.open("mplug-owl");
        await new Promise((resolve) => {
          open.onsuccess = resolve;
        });
        const turns = [{ id: "t", parent: null, role: "user", text: "what comes late?", attachments: [] }];
        const late = { id: "late", title: "late", createdAt: 1, updatedAt: 1, turns, chosen: {} };
        const done = open.result.transaction("conversations", "readwrite");
        done.objectStore("conversations").put(late);
        await new Promise((resolve) => {
          done.oncomplete = resolve;
        });
        open.result.close();
        new BroadcastChannel("mplug-owl conversations").postMessage("late");
      });
      await expect.poll(() => asked(page)).toEqual(["what comes late?"]);

      await page.goto(`${stage.url}/#constructor`);
      await page.reload();
      await page.getByText("This conversation is not in this browser.").waitFor();
      await ask(page, "what do cats eat?");
      const settings = page.getByRole("dialog", { name: "Settings" });
      const openAndGoBack = async () => {
        await page.keyboard.press("Alt+s");
        await settings.waitFor();
        await page.evaluate(() => history.back());
        await settings.waitFor({ state: "detached" });
      };
      await page.keyboard.press("Alt+s");
      await settings.waitFor();
      await page.reload();
      await expect.poll(() => asked(page)).toHaveLength(1);
      await openAndGoBack();
      await page.evaluate(() => history.forward());
      await openAndGoBack();

      // Switching conversations while a question is edited: the URL must name the one that is shown.
      const first = page.url();
      await page.keyboard.press("Alt+n");
      await ask(page, "what do dogs eat?");
      await page.keyboard.press("Alt+e");
      await page.getByRole("form", { name: "Edit the question" }).waitFor();
      await page
        .getByRole("navigation")
        .getByRole("button", { name: /^what do cats eat/ })
        .click();
      await expect.poll(() => asked(page)).toEqual(["what do cats eat?"]);
      await expect.poll(() => page.url()).toBe(first);
    });

    it("what a quick hand opens as a dialog closes stays open", async () => {
      const settings = page.getByRole("dialog", { name: "Settings" });
      for (const how of ["Escape", "Close"] as const) {
        await page.keyboard.press("Alt+s");
        await settings.waitFor();
        await page.evaluate(async (how) => {
          const dialog = document.querySelector("dialog") as HTMLDialogElement;
          if (how === "Escape") dialog.requestClose();
          else dialog.querySelector<HTMLElement>("[aria-label=Close]")?.click();
          // The next key, before the browser tells that the dialog has closed.
          await Promise.resolve();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
          await new Promise((resolve) => setTimeout(resolve, 100));
        }, how);
        await page.getByRole("dialog", { name: "Help" }).waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
    });

    it("an Escape of an input method stops no answer", async () => {
      let go = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      await page.route("**/v1/chat/completions", async (route) => {
        await gate;
        await route.continue();
      });
      await field(page).fill("what do cats eat?");
      await field(page).press("Enter");
      await field(page).evaluate((element) => {
        const pressed = { key: "Escape", isComposing: true, bubbles: true, cancelable: true };
        element.dispatchEvent(new KeyboardEvent("keydown", pressed));
      });
      go();
      expect(await answered(page)).not.toBe("");
      expect(await answers(page).getByText("Stopped").count()).toBe(0);
    });

    it("pages without https, which have no locks, know of each other all the same", async () => {
      const context = page.context();
      await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "locks"));
      await page.reload();
      expect(await page.evaluate(() => "locks" in navigator)).toBe(false);
      await addExamples(page, "owl.png");
      let go = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        go = resolve;
      });
      await page.route("**/v1/chat/completions", async (route) => {
        await gate;
        await route.continue();
      });
      const tab = await context.newPage();
      await tab.goto(stage.url);
      await tab.getByText("Conversations are kept here").waitFor();
      await field(page).fill("what is this?");
      await field(page).press("Enter");
      await tab
        .getByRole("navigation")
        .getByRole("button", { name: /^what is this/ })
        .first()
        .click();
      await answers(tab).getByText("The owl is looking").waitFor();
      await tab.reload();
      await answers(tab).getByText("The owl is looking").waitFor();
      // The tab asks again and again whether the answer is still being written, and the page says so.
      await tab.evaluate(
        () =>
          new Promise<void>((resolve) => {
            new BroadcastChannel("mplug-owl presence").onmessage = ({ data: { name, isHeld } }) => {
              if (isHeld && name.startsWith("mplug-owl answer")) resolve();
            };
          }),
      );
      expect(await answers(tab).getByText("The page was closed").count()).toBe(0);
      go();
      expect(await answered(page)).not.toBe("");
      await page.reload();
      await questions(page).getByRole("img", { name: "owl.png" }).waitFor();
    });
  },
);
