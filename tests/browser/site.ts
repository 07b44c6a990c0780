import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { type ChatMessage, Owl } from "../../src/index.ts";
import type { Asked, Harness, Question } from "./page.ts";
import { FileServer } from "./server.ts";

declare const harness: Harness;

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A built page and the servers that show it, for one file of tests. */
export class Site {
  readonly work = mkdtempSync(join(tmpdir(), "owl-browser-"));
  /** Its pages are cross-origin isolated. */
  readonly isolated: FileServer;
  readonly plain: FileServer;

  constructor() {
    const roots = {
      "/models/nano-q4/": join(this.work, "nano-q4"),
      "/models/": join(root, "models"),
      "/examples/": join(root, "examples"),
      "/fixtures/": join(root, "tests/fixtures/image"),
      "/": join(this.work, "page"),
    };
    this.isolated = new FileServer(roots, true);
    this.plain = new FileServer(roots, false);
  }

  /** Builds the page as a person's project would. */
  async build(): Promise<void> {
    await build({
      root: join(root, "tests/browser"),
      configFile: false,
      logLevel: "error",
      base: "./",
      worker: { format: "es" },
      build: { outDir: join(this.work, "page"), minify: false },
    });
  }

  close(): void {
    this.isolated.close();
    this.plain.close();
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** Opens the page of a server. */
export async function openPage(server: FileServer, context: Browser | BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(0);
  await page.goto(await server.address());
  return page;
}

/** Asks the owl that is open in a page. */
export const ask = (page: Page, question: Question): Promise<Asked> =>
  page.evaluate((it) => harness.ask(it), question);

/** What Node answers. */
export async function answersInNode(
  directory: string,
  questions: readonly Question[],
): Promise<(readonly number[])[]> {
  const owl = await Owl.load(directory);
  const answers: (readonly number[])[] = [];
  for (const { text, pictures = [] } of questions) {
    const images = pictures.map((address) => ({ type: "image" as const, image: onDisk(address) }));
    const messages: ChatMessage[] = [{ role: "user", content: [...images, { type: "text", text }] }];
    answers.push((await owl.chat(messages).answer()).ids);
  }
  await owl.close();
  return answers;
}

/** Where the servers' pictures lie. */
export const onDisk = (address: string): string =>
  join(root, address.replace("/fixtures/", "tests/fixtures/image/"));
