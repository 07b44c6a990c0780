import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picturePath, pictureUrl } from "../src/server/testing/owl-server.ts";
import {
  addExamples,
  answered,
  answers,
  archiveOf,
  ask,
  field,
  importFile,
  inaccessible,
  openStage,
  patience,
  questions,
  type Stage,
  sideways,
} from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";

const markdown = `# An owl

It is an **owl**, with \`two eyes\` – see [its page](https://example.com/${"long/".repeat(30)}).

| what | how many | ${"and more | ".repeat(9)}
|:-|-:|${"-|".repeat(9)}
| eyes | 2 | ${"x | ".repeat(9)}

- [x] feathers
- a${"very".repeat(40)}LongWord

> It sleeps by day.

\`\`\`js
const owl = { eyes: 2, ${"feathers: true, ".repeat(20)}};
\`\`\``;

const picture = (id: string, name: string) => ({ id, kind: "image", name, type: "image/png" });
const timing = { firstMilliseconds: 90, tokensPerSecond: 210, tokens: 60 };

/** Everything that a conversation may show: pictures, Markdown, a rating, branches, an answer that failed. */
const rich = archiveOf(
  "A conversation that shows everything, with a title that is long",
  [
    {
      role: "user",
      text: "what do you see in these?",
      attachments: [
        picture("a", "owl.png"),
        { ...picture("b", "sunflower.png"), note: "made smaller to be sent" },
      ],
    },
    { role: "assistant", text: markdown, state: "length", model: "owl-nano", rating: "up", timing },
    { role: "user", text: `and${" this".repeat(60)}?`, attachments: [picture("c", "penguin.png")] },
    { role: "assistant", text: "No", state: "stopped", model: "owl-nano" },
    {
      id: "last",
      parent: "t2",
      role: "assistant",
      text: "",
      state: "failed",
      model: "owl-nano",
      problem: "It broke.",
    },
  ],
  { a: pictureUrl("owl.png"), b: pictureUrl("sunflower.png"), c: pictureUrl("penguin.png") },
);

const picturesOf = (page: Page) => questions(page).first().getByRole("button", { name: "owl.png" });
const dialog = (page: Page) => page.getByRole("dialog");

async function close(page: Page): Promise<void> {
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
}

async function showRich(page: Page): Promise<void> {
  await importFile(page, rich);
  await page.getByText("1 conversation is imported.").waitFor();
  await answers(page).last().getByText("It broke.").waitFor();
}

/** Brings an opened page into each of its states and calls the check for each. */
async function walk(page: Page, look: (what: string) => Promise<void>): Promise<void> {
  await look("the empty page");
  await page.keyboard.press("Alt+s");
  await dialog(page).waitFor();
  await look("the settings");
  await close(page);
  await page.getByRole("button", { name: "Help" }).click();
  await look("the help");
  await close(page);
  const conversations = page.getByRole("button", { name: "Conversations", exact: true });
  const isNarrow = (await conversations.getAttribute("aria-expanded")) === "false";
  if (isNarrow) await page.keyboard.press("Alt+b");
  await showRich(page);
  await look("a conversation, with the list of conversations");
  // It disappears by itself, on a slow machine before this line.
  const notice = page.getByRole("region", { name: "Notices" }).getByRole("button", { name: "Close" });
  await notice.click({ timeout: 1000 }).catch(() => undefined);
  if (isNarrow) await page.keyboard.press("Alt+b");
  await page.getByRole("button", { name: "This conversation" }).click();
  await look("a conversation, with its menu");
  await page.keyboard.press("Escape");
  await answers(page).first().getByRole("button", { name: "Bad answer" }).click();
  await look("a conversation, with a note about an answer");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.keyboard.press("Alt+e");
  await addExamples(page, "umbrella.png", "penguin.png", "sunflower.png");
  await look("a question that is edited, and one that is written");
  await page.getByRole("button", { name: "Cancel" }).click();
  await picturesOf(page).click();
  await dialog(page).getByLabel("Token 12").waitFor({ state: "attached" });
  await look("where the owl looks");
  await close(page);
}

describe.skipIf(skipChromium)("how the page looks", { timeout: 5 * patience }, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage();
  }, 10 * patience);

  afterAll(() => stage?.close());

  it.for(["light", "dark"] as const)("axe-core finds no fault in it (%s)", async (colorScheme) => {
    const { page, faults, close } = await stage.open({ colorScheme });
    const found: Record<string, string[]> = {};
    await walk(page, async (what) => {
      const here = await inaccessible(page);
      if (here.length > 0) found[what] = here;
    });
    expect(found).toEqual({});
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(colorScheme);
    expect(faults).toEqual([]);
    await close();
  });

  it("is never drawn as a light page where the system is dark", async () => {
    const context = await stage.browser.newContext({ colorScheme: "dark" });
    const page = await context.newPage();
    // Frames are drawn before the script is there.
    await page.route("**/*.js", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await route.continue();
    });
    await page.addInitScript(() => {
      const seen = new Set<string>();
      Object.assign(window, { seen });
      const look = (): void => {
        if (document.body !== null) seen.add(getComputedStyle(document.body).backgroundColor);
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(stage.url);
    await page.getByText("owl-nano").first().waitFor({ state: "attached" });
    await page.waitForFunction(() => (window as unknown as { seen: Set<string> }).seen.size > 1);
    const seen = await page.evaluate(() => [...(window as unknown as { seen: Set<string> }).seen]);
    expect(seen.sort()).toEqual(["rgb(24, 22, 19)", "rgba(0, 0, 0, 0)"]);
    await context.close();
  });

  it("nothing of it reaches beyond a window 360 px wide, and one can write there", async () => {
    const viewport = { width: 360, height: 640 };
    const { page, faults, close } = await stage.open({ viewport, isMobile: true, hasTouch: true });
    const found: Record<string, string[]> = {};
    await walk(page, async (what) => {
      const here = await sideways(page);
      if (here.length > 0) found[what] = here;
    });
    expect(found).toEqual({});
    expect(await inaccessible(page)).toEqual([]);

    await page.getByRole("button", { name: "New conversation" }).tap();
    const added = page.getByRole("button", { name: /^Remove / });
    // One that is counted may be gone a moment later: such a tap is tried again.
    const removeOne = async (): Promise<number> => {
      if ((await added.count()) > 0) await added.first().tap({ timeout: 1000 }).catch(String);
      return added.count();
    };
    await expect.poll(removeOne).toBe(0);
    await field(page).fill("a line\n".repeat(40));
    const send = page.getByRole("button", { name: "Send" });
    await addExamples(page, "penguin.png");
    const box = await send.boundingBox();
    expect(box).toMatchObject({ width: expect.closeTo(36, 0), height: expect.closeTo(36, 0) });
    expect((box?.y ?? 1000) + 36).toBeLessThan(viewport.height);
    await field(page).fill("what is this?");
    await send.tap();
    expect(await answered(page)).not.toBe("");
    const shown = await answers(page).boundingBox();
    expect((shown?.y ?? 1000) + (shown?.height ?? 0)).toBeLessThan(viewport.height);
    expect(faults).toEqual([]);
    await close();
  });

  it("runs no script that is written into it, and asks for none", async () => {
    const { page, faults, close } = await stage.open();
    await ask(page, "what do cats eat?");
    expect(faults).toEqual([]);
    const outcome = await page.evaluate(async () => {
      const refused: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        refused.push(`${event.effectiveDirective} ${event.blockedURI}`);
      });
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      const image = document.createElement("div");
      image.innerHTML = "<img src=data:, onerror='window.hacked = 2'>";
      document.body.append(script, image);
      const elsewhere = await fetch("https://example.com/spy").catch((error: Error) => error.name);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { refused, elsewhere, hacked: (window as unknown as { hacked?: number }).hacked };
    });
    expect(outcome.hacked).toBeUndefined();
    expect(outcome.elsewhere).toBe("TypeError");
    expect([...new Set(outcome.refused)].sort()).toEqual([
      "connect-src https://example.com/spy",
      "script-src-attr inline",
      "script-src-elem inline",
    ]);
    // The server's Content-Security-Policy applies in addition to the page's own.
    const response = await stage.served.server.fetch(new Request(stage.url));
    expect(response.headers.get("content-security-policy")).toContain(
      "script-src 'self' 'wasm-unsafe-eval';",
    );
    await close();
  });

  it("shows where the owl looks: by each visual token, summed, and layer by layer", async () => {
    const { page, faults, close } = await stage.open();
    await page.getByRole("button", { name: "Example: umbrella" }).click();
    await answered(page);
    await questions(page).getByRole("button", { name: "umbrella.png" }).click();
    const veil = dialog(page).locator("figure canvas");
    await veil.waitFor();
    // The overlay is thinnest where attention is highest.
    const thickness = () =>
      veil.evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
        return Array.from({ length: width * height }, (_, i) => data[4 * i + 3]);
      });
    const owl = await stage.served.owl.attention(picturePath("umbrella.png"));
    const { layers, heads, queries, rows, columns, maps } = owl;
    const patches = rows * columns;
    /** How much thicker the overlay is at the patch with the most attention of these tokens than at its thinnest. */
    const missedBy = async (isMeant: (layer: number, query: number) => boolean): Promise<number> => {
      const sum = new Array<number>(patches).fill(0);
      for (const [i, value] of maps.entries()) {
        const query = Math.floor(i / patches) % queries;
        const layer = Math.floor(i / (patches * queries * heads));
        if (isMeant(layer, query)) sum[i % patches] += value;
      }
      const shown = await thickness();
      expect(shown).toHaveLength(rows * columns);
      // Summed; a token that looks at one place leaves few shades.
      expect(new Set(shown).size).toBeGreaterThan(isMeant(0, 0) && isMeant(0, 1) ? 8 : 2);
      return shown[sum.indexOf(Math.max(...sum))] - Math.min(...shown);
    };
    expect(await missedBy(() => true)).toBe(0);
    await dialog(page).locator(".tile").nth(2).click();
    expect(await dialog(page).getByLabel("Token 3", { exact: true }).isChecked()).toBe(true);
    await expect.poll(() => missedBy((_, query) => query === 2)).toBe(0);
    await dialog(page)
      .getByLabel("Layer")
      .selectOption({ label: String(layers) });
    await expect.poll(() => missedBy((layer, query) => layer === layers - 1 && query === 2)).toBe(0);
    await dialog(page).getByLabel("Show over the picture").uncheck();
    expect(await veil.count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });
});
