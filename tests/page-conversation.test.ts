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
  rambling,
  type Stage,
  set,
  stallAnswers,
  textOf,
} from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";

describe.skipIf(skipChromium)("a conversation in the page", { timeout: 3 * patience }, () => {
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

  it("is copied as Markdown from its menu, by keys alone", async () => {
    expect(await page.getByRole("button", { name: "This conversation" }).count()).toBe(0);
    await addExamples(page, "owl.png");
    const first = await ask(page, "what is this?");
    const second = await ask(page, "what does it eat?");
    await page.getByRole("button", { name: "This conversation" }).focus();
    for (const key of ["Enter", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.getByText("The conversation is copied.").waitFor();
    const asked = ["**You**", "[picture: owl.png]", "what is this?", "**Owl**", first];
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      [...asked, "**You**", "what does it eat?", "**Owl**", second].join("\n\n"),
    );
    expect(await page.getByRole("button", { name: "Clear" }).isVisible()).toBe(false);
  });

  it("is cleared, also while an answer is written, and comes back", async () => {
    await set(page, rambling, true);
    await stallAnswers(page);
    // Inside the page, as soon as the first word shows: a test outside would notice later.
    await page.evaluate(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector(".writing") === null) return;
        observer.disconnect();
        const init = { code: "KeyX", altKey: true, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new KeyboardEvent("keydown", init));
      });
      observer.observe(document.body, { subtree: true, childList: true });
    });
    await field(page).fill("tell me a story");
    await field(page).press("Enter");
    await page.getByText("The conversation is cleared.").waitFor();
    expect(await questions(page).count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Message");
    await page.keyboard.press("Alt+z");
    const stopped = await answered(page);
    expect(stopped).not.toBe("");
    expect(await answers(page).locator(".writing").count()).toBe(0);
    await page.reload();
    expect(await textOf(answers(page))).toBe(stopped);
  });

  it("takes pictures that are pasted anywhere, and those of an edited question where it is edited", async () => {
    const give = (type: "paste" | "drop", selector: string, types: readonly string[]) =>
      page.evaluate(
        async ([kind, target, more]) => {
          const data = new DataTransfer();
          const canvas = new OffscreenCanvas(9, 9);
          canvas.getContext("2d")?.fillRect(0, 0, 5, 5);
          data.items.add(new File([await canvas.convertToBlob()], `${kind}.png`, { type: "image/png" }));
          for (const extra of more) data.items.add("words", extra);
          const init = { bubbles: true, cancelable: true };
          const event =
            kind === "paste"
              ? new ClipboardEvent("paste", { ...init, clipboardData: data })
              : new DragEvent("drop", { ...init, dataTransfer: data });
          document.querySelector(target)?.dispatchEvent(event);
        },
        [type, selector, types] as const,
      );
    await give("paste", "h1", ["text/plain", "text/html"]);
    await give("paste", "h1", []);
    await page.getByRole("button", { name: "Remove paste.png" }).waitFor();
    expect(await page.getByRole("button", { name: /^Remove/ }).count()).toBe(1);
    await ask(page, "what is this?");
    await page.keyboard.press("Alt+e");
    const editor = page.getByRole("form", { name: "Edit the question" });
    await give("drop", "form[aria-label='Edit the question'] textarea", ["text/plain"]);
    await editor.getByRole("button", { name: "Remove drop.png" }).waitFor();
    expect(await page.getByRole("button", { name: /^Remove/ }).count()).toBe(2);
    expect(await page.getByText("Drop pictures").count()).toBe(0);
  });

  it("takes a photograph and a video", async () => {
    // A fake camera that shows a turning square.
    await page.evaluate(() => {
      const canvas = document.createElement("canvas");
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      setInterval(() => {
        context.rotate(0.1);
        context.fillRect(-40, -40, 80, 80);
      }, 30);
      navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
    });
    const camera = page.getByRole("button", { name: "Take a photograph or a video" });
    await camera.click();
    await page.getByRole("button", { name: "Take it" }).click();
    await page.getByRole("button", { name: "Remove photograph.jpg" }).waitFor();
    await camera.click();
    await page.getByRole("button", { name: "Film" }).click();
    await page.getByText("filming").waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.includes("Take the video"));
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /Remove film\.(webm|mp4)/ }).waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("keeps its pictures while another tab opens the page, and stays at its end as they come", async () => {
    await page.setViewportSize({ width: 500, height: 320 });
    await addExamples(page, "owl.png", "penguin.png");
    const other = await page.context().newPage();
    await other.goto(stage.url);
    await other.waitForFunction(async () => (await navigator.locks.query()).held?.length === 2);
    await ask(page, "what is this?");
    await other.close();
    await page.reload();
    await answered(page);
    const images = questions(page).getByRole("img");
    await expect.poll(() => images.count()).toBe(2);
    expect(await page.getByText("is gone").count()).toBe(0);
    await expect
      .poll(() =>
        page
          .locator(".scroller")
          .evaluate(({ scrollHeight, scrollTop, clientHeight }) => [
            scrollHeight > clientHeight,
            scrollHeight - scrollTop - clientHeight < 2,
          ]),
      )
      .toEqual([true, true]);
  });

  it("follows what comes in the very moment of a scroll, and stays where somebody has scrolled back to", async () => {
    await page.setViewportSize({ width: 500, height: 320 });
    await addExamples(page, "owl.png");
    await ask(page, "what is this?");
    const scroller = page.locator(".scroller");
    const fromEnd = () =>
      scroller.evaluate(
        ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight,
      );
    /** Moves so far from the end; after that, before the browser tells of it, what stands below becomes so much longer. */
    const moved = (away: number, longer: number) =>
      scroller.evaluate(
        async (element, [away, longer]) => {
          const frames = async () => {
            for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
          };
          const turns = element.firstElementChild as HTMLElement;
          element.scrollTop = element.scrollHeight - element.clientHeight - 10;
          await frames();
          element.scrollTop = element.scrollHeight - element.clientHeight - away;
          if (away > 10) await frames();
          turns.style.paddingBottom = `${longer}px`;
          await frames();
        },
        [away, longer],
      );
    await moved(0, 600);
    await expect.poll(fromEnd).toBeLessThan(2);
    await moved(200, 900);
    expect(await fromEnd()).toBeGreaterThan(400);
  });
});
