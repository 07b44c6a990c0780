import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  addExamples,
  answered,
  answers,
  archiveOf,
  ask,
  chooser,
  importFile,
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

describe.skipIf(skipChromium)("the page, with the shipped owl", { timeout: 3 * patience }, () => {
  const folder = mkdtempSync(join(tmpdir(), "owl-page-"));
  const feedback = join(folder, "feedback.jsonl");
  let stage: Stage;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    stage = await openStage({ feedback });
  }, 10 * patience);

  afterAll(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    opened = await stage.open();
    ({ page } = opened);
  });

  afterEach(async () => {
    await opened.close();
    expect(opened.faults).toEqual([]);
  });

  it("an example is asked about, the answer is seen as it is written, and a reload keeps it all", async () => {
    // Every state of the answer's text, in order, and what stands behind its last word.
    await page.evaluate(() => {
      const seen: string[] = [];
      const carets = new Set<string>();
      Object.assign(window, { seen, carets });
      new MutationObserver(() => {
        const last = document.querySelector(".writing .markdown > :last-child");
        const text = last?.textContent?.trim();
        if (last === null || text === undefined || text === seen.at(-1)) return;
        seen.push(text);
        carets.add(getComputedStyle(last, "::after").content);
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    });
    await page.getByRole("button", { name: "Example: owl" }).click();
    expect(await answered(page)).toContain("owl");
    const { seen, carets } = await page.evaluate(() => {
      const { seen, carets } = window as unknown as { seen: string[]; carets: Set<string> };
      return { seen, carets: [...carets] };
    });
    expect(seen.length).toBeGreaterThan(1);
    for (const [i, text] of seen.slice(1).entries()) expect(text.startsWith(seen[i])).toBe(true);
    expect(carets).toEqual(['""']);
    expect(await answers(page).locator(".writing").count()).toBe(0);
    expect(await answers(page).innerText()).toMatch(/\d+ tokens · (\d+ a second · )?first after/);

    const second = await ask(page, "what does it eat?");
    await page.reload();
    expect(await answered(page)).toBe(second);
    expect(await answers(page).count()).toBe(2);
    const picture = questions(page).first().getByRole("img", { name: "owl.png" });
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(256);
  });

  it("an answer is stopped, made again, and its branches are gone between", async () => {
    await set(page, rambling, true);
    await stallAnswers(page);
    // Inside the page, as soon as the first word shows: a test outside would notice later.
    await page.evaluate(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector(".writing") === null) return;
        observer.disconnect();
        document.querySelector<HTMLElement>("button[aria-label=Stop]")?.click();
      });
      observer.observe(document.body, { subtree: true, childList: true });
    });
    const stopped = await ask(page, "tell me a story");
    expect(stopped).not.toBe("");
    await page.getByRole("button", { name: "Send" }).waitFor();
    expect(await answers(page).innerText()).not.toContain("tokens");
    expect(await textOf(answers(page))).toBe(stopped);

    await set(page, { "Longest answer": "3" }, false);
    await page.getByRole("button", { name: "Another answer" }).click();
    await page.getByText("Cut here").waitFor();
    const cut = await answered(page);
    const branches = answers(page).getByRole("group", { name: "Branches" });
    expect((await branches.textContent())?.trim()).toBe("2/ of 2");
    await page.getByRole("button", { name: "Previous branch" }).click();
    expect(await textOf(answers(page))).toBe(stopped);
    await page.keyboard.press("Alt+]");
    expect(await textOf(answers(page))).toBe(cut);
    await page.getByRole("button", { name: "Another answer" }).click();
    await page.getByText("The same answer: without sampling").waitFor();
  });

  it("a question is edited into a branch, by keys alone", async () => {
    const press = (key: string) => page.keyboard.press(key);
    await press("/");
    await page.keyboard.type("what do cats eat?");
    await press("Enter");
    const cats = await answered(page);
    await press("ArrowUp");
    await press("Control+a");
    await page.keyboard.type("what do dogs eat?");
    await press("Enter");
    await page.getByText("what do dogs eat?").last().waitFor();
    const dogs = await answered(page);
    expect(dogs).not.toBe(cats);
    await press("Alt+[");
    expect(await questions(page).locator(".text").innerText()).toBe("what do cats eat?");
    expect(await textOf(answers(page))).toBe(cats);
    await press("Alt+c");
    await page.getByText("The answer is copied.").waitFor();
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    expect(await copied()).toBe(cats);
    await press("Alt+m");
    await page.getByText("The conversation is copied.").waitFor();
    expect(await copied()).toBe(`**You**\n\nwhat do cats eat?\n\n**Owl**\n\n${cats}`);
    await press("Alt+x");
    await answers(page).waitFor({ state: "detached" });
    await press("Alt+z");
    expect(await textOf(answers(page))).toBe(cats);
    await press("Alt+n");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Message");
    await press("Escape");
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await press("?");
    await page.getByRole("dialog", { name: "Help" }).waitFor();
    await press("Escape");
    expect(await page.getByRole("dialog").count()).toBe(0);
    const reachable = await page.evaluate(() =>
      [...document.querySelectorAll("button, input:not([hidden]), textarea, select, a")].every(
        (element) => (element as HTMLElement).tabIndex >= 0,
      ),
    );
    expect(reachable).toBe(true);
  });

  it("pictures are chosen, pasted and dropped, several at once; bad files are told in words", async () => {
    await addExamples(page, "penguin.png", "umbrella.png");
    const create = { width: 2600, height: 400, channels: 3 as const, background: "#000" };
    const noise = { type: "gaussian" as const, mean: 99, sigma: 60 };
    const large = await sharp({ create: { ...create, noise } })
      .png()
      .toBuffer();
    await chooser(page).setInputFiles([
      { name: "large.png", mimeType: "image/png", buffer: large },
      { name: "damaged.png", mimeType: "image/png", buffer: large.subarray(0, 60) },
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") },
    ]);
    await page.getByText('"damaged.png" cannot be read as a picture').waitFor();
    await page.getByText('"notes.txt" is a text file; give a picture.').waitFor();
    await page.getByText("made smaller to be sent: 2600 × 400 → 2048 × 315").waitFor();
    for (const type of ["paste", "drop"]) {
      await page.evaluate(
        async ([kind, name]) => {
          const address = (document.querySelector("img[alt^=Example]") as HTMLImageElement).src;
          const data = new DataTransfer();
          data.items.add(new File([await (await fetch(address)).blob()], name, { type: "image/png" }));
          const target = document.querySelector("textarea") as HTMLElement;
          const init = { bubbles: true, cancelable: true };
          target.dispatchEvent(
            kind === "paste"
              ? new ClipboardEvent("paste", { ...init, clipboardData: data })
              : new DragEvent("drop", { ...init, dataTransfer: data }),
          );
        },
        [type, `${type}.png`],
      );
      await page.getByRole("button", { name: `Remove ${type}.png` }).waitFor();
    }
    await page.getByRole("button", { name: "Remove large.png" }).click();
    expect(await ask(page, "what is this?")).not.toBe("");
    expect(await questions(page).getByRole("img").count()).toBe(4);
  });

  it("what a model or a person writes is never executed", async () => {
    const hostile = [
      "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>",
      "<svg onload=window.hacked=3><iframe src=javascript:parent.hacked=4>",
      "[click](javascript:window.hacked=5) ![p](https://example.com/spy.png) <javascript:window.hacked=6>",
      "```html\n<script>window.hacked = 7</script>\n```",
      "`<b onmouseover=window.hacked=8>` | **<style>body{display:none}</style>** &lt;script&gt;",
      "|<img src=x onerror=window.hacked=9>|\n|-|\n|[x](data:text/html,<script>window.hacked=10</script>)|",
    ].join("\n\n");
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=11"><script>window.hacked=12</script></svg>`;
    const picture = {
      id: "p",
      kind: "image",
      name: "<img src=x onerror=window.hacked=13>",
      type: "image/svg+xml",
    };
    const turns = [
      { role: "user", text: hostile, attachments: [picture] },
      { role: "assistant", text: hostile, state: "failed", model: hostile, problem: hostile },
    ];
    const files = { p: `data:image/svg+xml;base64,${btoa(drawing)}` };
    await importFile(page, archiveOf(hostile.slice(0, 400), turns, files));
    await page.getByText("1 conversation is imported.").waitFor();
    await answers(page).locator(".code").waitFor();
    await answers(page).hover();
    await questions(page).getByRole("button", { name: "<img" }).hover();
    const found = await page.evaluate(() => {
      const inside = document.querySelectorAll(
        "article .markdown :is(script, img, svg:not(.lucide), iframe, style, [onerror])",
      );
      const links = [...document.querySelectorAll("article a")].map((link) => link.getAttribute("href"));
      return { hacked: (window as unknown as { hacked?: number }).hacked, inside: inside.length, links };
    });
    expect(found).toEqual({ hacked: undefined, inside: 0, links: ["https://example.com/spy.png"] });
    expect(await answers(page).innerText()).toContain("<script>window.hacked = 1</script>");
  });

  it("conversations are exported, deleted, brought back, renamed and imported", async () => {
    await addExamples(page, "owl.png");
    const answer = await ask(page, "what is this?");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export" }).click(),
    ]);
    const file = join(folder, "export.json");
    await download.saveAs(file);
    const list = page.getByRole("navigation", { name: "Conversations" }).getByRole("listitem");
    const more = page.getByRole("button", { name: "More for what is this?" });
    await more.click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    expect(await answers(page).count()).toBe(0);
    await page.getByRole("button", { name: "Undo" }).click();
    expect(await textOf(answers(page))).toBe(answer);
    await more.click();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Title of the conversation").fill("About an owl");
    await page.keyboard.press("Enter");
    await list.getByText("About an owl").waitFor();
    await page.getByRole("button", { name: "Delete all conversations" }).click();
    await page.reload();
    await page.getByText("Conversations are kept here").waitFor();

    const exported = readFileSync(file);
    await importFile(page, Buffer.from(exported.toString().replace('"version":1', '"version":"x"')));
    await page.getByText("exported by another version of this page").waitFor();
    await importFile(page, exported);
    expect(await answered(page)).toBe(answer);
    await page.reload();
    expect(await answered(page)).toBe(answer);
    expect(await list.count()).toBe(1);
    await questions(page).getByRole("img", { name: "owl.png" }).waitFor();
  });

  it("what somebody thinks of an answer reaches the server", async () => {
    await page.getByRole("button", { name: "Example: owl" }).click();
    const answer = await answered(page);
    await page.getByRole("button", { name: "Good answer" }).click();
    await page.keyboard.type("it is one");
    await page.keyboard.press("Enter");
    await page.getByText("The server has kept it.").waitFor();
    const row = JSON.parse(readFileSync(feedback, "utf8").trim());
    expect(row).toMatchObject({ rating: "up", note: "it is one", model: "owl-nano" });
    expect(row.text).toContain(answer);
    expect(row.image).toHaveLength(1);
    const isPressed = () => page.getByRole("button", { name: "Good answer" }).getAttribute("aria-pressed");
    expect(await isPressed()).toBe("true");
    await page.reload();
    await answered(page);
    expect(await isPressed()).toBe("true");
  });
});
