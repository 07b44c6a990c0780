import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build, type Plugin } from "vite";
import type { PageSettings } from "../../src/browser/index.ts";
import { type Answer, type ChatMessage, type ChatSettings, Owl } from "../../src/index.ts";
import { writeDocumentedProject } from "./documented-project.ts";
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
      "/models/late/": join(this.work, "late"),
      "/models/made/": join(this.work, "made"),
      "/documented/models/": join(root, "models"),
      "/models/": join(root, "models"),
      "/examples/": join(root, "examples"),
      "/fixtures/": join(root, "tests/fixtures/image"),
      "/": join(this.work, "page"),
    };
    this.isolated = new FileServer(roots, true);
    this.plain = new FileServer(roots, false);
  }

  /** Builds the page as a user's project would. */
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

  /** Builds the project that docs/browser.md shows, as a page of these servers under /documented/. */
  async buildDocumented(): Promise<void> {
    const project = join(this.work, "documented");
    writeDocumentedProject(project);
    await build({
      root: project,
      configFile: false,
      logLevel: "error",
      base: "./",
      worker: { format: "es", plugins: () => [ownPackage] },
      plugins: [ownPackage],
      build: { outDir: join(this.work, "page/documented"), minify: false },
    });
  }

  close(): void {
    this.isolated.close();
    this.plain.close();
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** Resolves imports of this package as bundlers do for browsers, to its sources. */
const ownPackage: Plugin = {
  name: "own package",
  enforce: "pre",
  resolveId(id) {
    if (!/^mplug-owl(\/|$)/.test(id)) return undefined;
    const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const door = exports[id.replace("mplug-owl", ".")];
    const path: string = (door.browser ?? door).default;
    return join(root, path.replace("/dist/", "/src/").replace(/\.js$/, ".ts"));
  },
};

/** Opens the page of a server, under localhost or another name of this machine. */
export async function openPage(
  server: FileServer,
  context: Browser | BrowserContext,
  host = "localhost",
): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(0);
  await page.goto((await server.address()).replace("localhost", host));
  return page;
}

/** Asks the model that is loaded in a page. */
export const ask = (page: Page, question: Question, settings: PageSettings = {}): Promise<Asked> =>
  page.evaluate(([it, how]) => harness.ask(it, how), [question, settings] as const);

/** What Node answers. */
export async function answersInNode(
  directory: string,
  questions: readonly Question[],
  settings: ChatSettings = {},
): Promise<Answer[]> {
  const owl = await Owl.load(directory);
  const answers: Answer[] = [];
  for (const { text, pictures = [] } of questions) {
    const images = pictures.map((address) => ({ type: "image" as const, image: onDisk(address) }));
    const messages: ChatMessage[] = [{ role: "user", content: [...images, { type: "text", text }] }];
    answers.push(await owl.chat(messages, settings).answer());
  }
  await owl.close();
  return answers;
}

/** Where the servers' pictures lie. */
export const onDisk = (address: string): string =>
  join(root, address.replace("/fixtures/", "tests/fixtures/image/"));
