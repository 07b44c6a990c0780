import { readFileSync } from "node:fs";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import type { ServerOptions } from "../src/server/index.ts";
import { owlServer, picturePath } from "../src/server/testing/owl-server.ts";
import { onSocket } from "../src/server/testing/socket.ts";
import { chromiumPath } from "./setup/chromium.ts";
import { builtPage } from "./setup/page.ts";

/** Long enough even when other tests keep the machine busy. */
export const patience = 40_000;

/** The page and the shipped owl as `owl serve` offers them, and a browser. */
export interface Stage {
  readonly browser: Browser;
  readonly served: Awaited<ReturnType<typeof owlServer>>;
  readonly url: string;
  /** Opens the page in a browser context without storage. */
  open(options?: BrowserContextOptions): Promise<OpenedPage>;
  /** Closes the server's connections and accepts none until the returned function is called. */
  disconnect(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export async function openStage(options: Partial<ServerOptions> = {}): Promise<Stage> {
  const page = await builtPage();
  const [browser, served] = await Promise.all([launch(), owlServer({ page, ...options })]);
  let socket = await onSocket(served.server);
  const { url } = socket;
  return {
    browser,
    served,
    url,
    open: (context) => openPage(browser, url, context),
    async disconnect() {
      await socket.close();
      return async () => {
        socket = await onSocket(served.server, { port: Number(new URL(url).port) });
      };
    },
    async close() {
      await browser.close();
      await socket.close();
      await served.close();
    },
  };
}

export function launch(): Promise<Browser> {
  // Chromium's sandbox needs rights that containers lack; only our own pages are opened.
  return chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page and the errors in it. */
export interface OpenedPage {
  readonly page: Page;
  /**
   * Requests to other hosts, console errors (also violations of the Content-Security-Policy), uncaught errors and dialogs;
   * not replies with an error status.
   */
  readonly faults: string[];
  close(): Promise<void>;
}

/** @param ready a text that the page has when it can be used */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  ready = "owl-nano",
): Promise<OpenedPage> {
  const permissions = ["clipboard-read", "clipboard-write"];
  const context = await browser.newContext({ permissions, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const faults: string[] = [];
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && origin !== url) faults.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(text);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  await page.getByText(ready).first().waitFor({ state: "attached" });
  return { page, faults, close: () => context.close() };
}

export const answers = (page: Page): Locator => page.getByRole("article", { name: "Owl" });
export const questions = (page: Page): Locator => page.getByRole("article", { name: "You" });
export const field = (page: Page): Locator => page.getByRole("textbox", { name: "Message" });
export const chooser = (page: Page): Locator => page.locator('form[aria-label="Message"] input[multiple]');

/** The last answer, when it is complete. */
export async function answered(page: Page): Promise<string> {
  const last = answers(page).last();
  await last.getByRole("button", { name: "Another answer" }).waitFor();
  return textOf(last);
}

/** An answer's text, without the buttons and notes around it. */
export async function textOf(answer: Locator): Promise<string> {
  return (await answer.locator(".markdown").innerText()).trim();
}

/** Asks a question and waits for its answer. */
export async function ask(page: Page, text: string): Promise<string> {
  await field(page).fill(text);
  await field(page).press("Enter");
  return answered(page);
}

/** Adds pictures of `examples/` to the question that is being written. */
export async function addExamples(page: Page, ...names: string[]): Promise<void> {
  await chooser(page).setInputFiles(names.map(picturePath));
  const composer = page.getByRole("form", { name: "Message" });
  for (const name of names) await composer.getByRole("button", { name: `Remove ${name}` }).waitFor();
}

/** Settings by their labels; sampling on or off. */
export async function set(page: Page, values: Record<string, string>, sampling: boolean): Promise<void> {
  await page.keyboard.press("Alt+s");
  await page.getByRole("switch", { name: "Sampling" }).setChecked(sampling);
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  await page.getByRole("button", { name: "Done" }).click();
}

/** Settings with which an answer goes on until it is stopped or cut. */
export const rambling = { Temperature: "2", "Top-k": "0", "Top-p": "1", "Longest answer": "200", Seed: "1" };

/**
 * From now on only the first events of an answer come, until it is stopped: a short one may else be complete before anything in the page
 * can act on its first words. Events, not chunks: a busy server sends many as one.
 */
export async function stallAnswers(page: Page): Promise<void> {
  await page.evaluate((most) => {
    const request = window.fetch;
    window.fetch = async (...args) => {
      const response = await request(...args);
      if (!String(args[0]).endsWith("/chat/completions") || response.body === null) return response;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const signal = args[1]?.signal;
      let events = 0;
      const beginning = new ReadableStream<string>({
        async pull(controller) {
          if (events === most) {
            await new Promise((resolve) => signal?.addEventListener("abort", resolve));
            controller.error(signal?.reason);
            return;
          }
          const { done, value = "" } = await reader.read();
          const parts = value.split(/(?<=\n\n)/).slice(0, most - events);
          events += parts.filter((part) => part.endsWith("\n\n")).length;
          if (done) controller.close();
          else controller.enqueue(parts.join(""));
        },
        cancel: (reason) => reader.cancel(reason),
      });
      return new Response(beginning.pipeThrough(new TextEncoderStream()), response);
    };
  }, 12);
}

/** An export of the page, to be imported: one conversation of these turns, each following the one before. */
export function archiveOf(
  title: string,
  turns: readonly object[],
  files: Record<string, string> = {},
): Buffer {
  const linked = turns.map((turn, i) => ({ id: `t${i}`, parent: i === 0 ? null : `t${i - 1}`, ...turn }));
  const conversation = { title, createdAt: 1, updatedAt: 1, chosen: {}, turns: linked };
  const archive = { format: "mplug-owl conversations", version: 1, files, conversations: [conversation] };
  return Buffer.from(JSON.stringify(archive));
}

/** Imports an export; the list of conversations must be open. */
export async function importFile(page: Page, buffer: Buffer): Promise<void> {
  const file = { name: "export.json", mimeType: "application/json", buffer };
  await page.getByLabel("Export to import").setInputFiles(file);
}

/** What a store of the page's IndexedDB holds. */
export function storedIn<T = { readonly turns: { readonly text: string; readonly state?: string }[] }>(
  page: Page,
  store: "conversations" | "files" = "conversations",
): Promise<T[]> {
  return page.evaluate(async (name) => {
    const open = indexedDB.open("mplug-owl");
    await new Promise((resolve) => {
      open.onsuccess = resolve;
    });
    const all: IDBRequest<T[]> = open.result.transaction(name).objectStore(name).getAll();
    await new Promise((resolve) => {
      all.onsuccess = resolve;
    });
    open.result.close();
    return all.result;
  }, store);
}

/** Removes all files from the page's IndexedDB. */
export function removeFiles(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const open = indexedDB.open("mplug-owl");
    await new Promise((resolve) => {
      open.onsuccess = resolve;
    });
    const done = open.result.transaction("files", "readwrite");
    done.objectStore("files").clear();
    await new Promise((resolve) => {
      done.oncomplete = resolve;
    });
    open.result.close();
  });
}

/** A picture of `examples/` as base64. */
export const base64Of = (name: string): string => readFileSync(picturePath(name)).toString("base64");

/** All of axe-core's findings, whatever their impact. */
export async function inaccessible(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    // Colors are those of the end of a transition.
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${impact}: ${id}: ${target.join(" ")}: ${failureSummary}`),
    );
  });
}

/** Elements that overflow the window sideways or scroll there; code and tables in answers may. */
export function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const mayScroll = "pre, .table";
    const name = (element: Element) => `${element.tagName} ${element.className} ${element.ariaLabel ?? ""}`;
    return [...document.querySelectorAll("body *")]
      .filter((element) => element.checkVisibility() && element.closest(".unseen") === null)
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        const isOutside = width > 0 && (left < -0.5 || right > document.documentElement.clientWidth + 0.5);
        if (isOutside && element.parentElement?.closest(mayScroll) === null) return true;
        const scrolls =
          /auto|scroll/.test(getComputedStyle(element).overflowX) && !element.matches(mayScroll);
        return scrolls && element.scrollWidth > element.clientWidth + 1 && element.tagName !== "TEXTAREA";
      })
      .map(name);
  });
}
