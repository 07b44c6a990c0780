import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import type { Harness } from "../tests/browser/page.ts";
import { openPage, Site } from "../tests/browser/site.ts";
import { chromiumPath } from "../tests/setup/chromium.ts";
import { type Memory, memory } from "./memory.ts";
import { photograph } from "./photograph.ts";
import { printLine } from "./processor.ts";

declare const harness: Harness;

const NEW_TOKENS = 64;

/** What a page tells of answers about a photograph. */
interface Answered {
  readonly prompt_tokens?: number | undefined;
  readonly first_token_s: number;
  readonly tokens_per_s: number;
  readonly error?: string | undefined;
}

/** Runs inside a page: opens the model and waits for it. */
async function load(threads: number): Promise<number> {
  const began = performance.now();
  harness.open("plain", { model: "/models/made/owl3", threads });
  await harness.load();
  return (performance.now() - began) / 1000;
}

/** Runs inside a page: asks about a photograph, and goes on from what is kept of it. */
async function answer(newTokens: number): Promise<Answered> {
  const asked = { text: "Describe this image.", pictures: ["/models/made/photograph.png"] };
  const greedy = { doSample: false, repetitionPenalty: 1, numBeams: 1, eosTokenIds: [] };
  const settings = { ...greedy, promptLookupNumTokens: 0 };
  const began = performance.now();
  const first = await harness.ask(asked, { ...settings, maxNewTokens: 1 });
  const had = performance.now();
  const more = await harness.ask(asked, { ...settings, maxNewTokens: newTokens });
  return {
    prompt_tokens: first.promptTokens,
    first_token_s: (had - began) / 1000,
    tokens_per_s: (1000 * more.ids.length) / (performance.now() - had),
    error: first.error ?? more.error,
  };
}

/** The memory of the largest process that shows a page of a browser. */
async function pageMemory(context: BrowserContext): Promise<Memory> {
  const session = await context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => memory(id));
  return renderers.reduce((most, one) => (one.peak_mb > most.peak_mb ? one : most));
}

/**
 * The model in Chromium, in WebAssembly: fetched into the browser's storage by one page; loaded from there and asked about a photograph
 * by another, whose memory is told.
 */
async function inBrowser(directory: string, threads: number): Promise<Record<string, unknown>> {
  const site = new Site();
  let context: BrowserContext | undefined;
  try {
    mkdirSync(join(site.work, "made"), { recursive: true });
    symlinkSync(directory, join(site.work, "made/owl3"));
    const { data, width, height } = photograph(1);
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(site.work, "made/photograph.png"));
    await site.build();
    context = await chromium.launchPersistentContext(join(site.work, "profile"), {
      executablePath: chromiumPath(),
    });
    const fetching = await openPage(site.isolated, context);
    const fetch_and_load_s = await fetching.evaluate(load, threads);
    await fetching.close();
    const page: Page = await openPage(site.isolated, context);
    const load_s = await page.evaluate(load, threads);
    const { resident_mb: loaded_mb } = await pageMemory(context);
    const answered = await page.evaluate(answer, NEW_TOKENS);
    if (answered.error !== undefined) throw new Error(`bench owl3: ${answered.error}`);
    const { resident_mb: one_picture_mb, peak_mb } = await pageMemory(context);
    return {
      step: "browser",
      threads,
      fetch_and_load_s,
      load_s,
      loaded_mb,
      one_picture_mb,
      peak_mb,
      ...answered,
    };
  } finally {
    await context?.close();
    site.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory, threads] = process.argv.slice(2);
  printLine(await inBrowser(directory, Number(threads)));
}
