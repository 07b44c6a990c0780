import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { Harness } from "../tests/browser/page.ts";
import { openPage, Site } from "../tests/browser/site.ts";
import { chromiumPath } from "../tests/setup/chromium.ts";
import { ownLine } from "./child.ts";
import { type Memory, memory } from "./memory.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";

declare const harness: Harness;

const NEW_TOKENS = 64;

/** What a page is asked. */
export interface BrowserWork {
  /** The model, ready to be asked. */
  readonly directory: string;
  /** Files of pictures, each asked about once; memory is told after the first. */
  readonly pictures: readonly string[];
  readonly question: string;
  readonly threads: number;
}

/** What a page tells of an answer about a picture. */
interface Answered {
  readonly prompt_tokens?: number | undefined;
  readonly first_token_s: number;
  readonly tokens_per_s: number;
  readonly error?: string | undefined;
}

/** Runs inside a page: opens the model and waits for it. */
async function load(threads: number): Promise<number> {
  const began = performance.now();
  harness.open("plain", { model: "/models/made/model", threads });
  await harness.load();
  return (performance.now() - began) / 1000;
}

/** Runs inside a page: asks about a picture, and goes on from what is kept of it. */
async function answer([picture, text, newTokens]: readonly [string, string, number]): Promise<Answered> {
  const asked = { text, pictures: [picture] };
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
 * A model in Chromium, in WebAssembly: fetched into the browser's storage by one page; loaded from there and asked about pictures by
 * another, whose memory is told. The first answer waits for its programs to be compiled; of the others medians are told.
 */
async function inBrowser({ directory, pictures, question, threads }: BrowserWork): Promise<object> {
  const site = new Site();
  let context: BrowserContext | undefined;
  try {
    const made = join(site.work, "made");
    mkdirSync(made, { recursive: true });
    symlinkSync(directory, join(made, "model"));
    for (const picture of pictures) cpSync(picture, join(made, basename(picture)));
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
    const ask = async (picture: string): Promise<Answered> => {
      const address = `/models/made/${basename(picture)}`;
      const answered = await page.evaluate(answer, [address, question, NEW_TOKENS] as const);
      if (answered.error !== undefined) throw new Error(`bench browser: ${answered.error}`);
      return answered;
    };
    const first = await ask(pictures[0]);
    const { resident_mb: one_picture_mb, peak_mb } = await pageMemory(context);
    const others: Answered[] = [];
    for (const picture of pictures.slice(1)) others.push(await ask(picture));
    const of = (what: "first_token_s" | "tokens_per_s"): number => median(others.map((one) => one[what]));
    return {
      step: "browser",
      threads,
      fetch_and_load_s,
      load_s,
      loaded_mb,
      one_picture_mb,
      peak_mb,
      ...first,
      ...(others.length > 0 && {
        further_pictures: { first_token_s: of("first_token_s"), tokens_per_s: of("tokens_per_s") },
      }),
    };
  } finally {
    await context?.close();
    site.close();
  }
}

/** Measures in a process of its own and prints what it took. */
export function printInBrowser(work: BrowserWork): void {
  printLine(ownLine<object>(self, [JSON.stringify(work)]));
}

/**
 * `bench browser [DIRECTORY] [threads]`: a model (owl-nano, if none is named) in WebAssembly in Chromium, asked about the pictures in
 * examples/.
 */
export async function browserBench([directory, threads = "2"]: readonly string[]): Promise<void> {
  const examples = fileURLToPath(new URL("../examples/", import.meta.url));
  printInBrowser({
    directory: resolve(directory ?? fileURLToPath(new URL("../models/owl-nano", import.meta.url))),
    pictures: readdirSync(examples)
      .filter((name) => name.endsWith(".png"))
      .map((name) => join(examples, name)),
    question: "what is in the picture?",
    threads: Number(threads),
  });
}

const self = fileURLToPath(import.meta.url);

if (process.argv[1] === self) printLine(await inBrowser(JSON.parse(process.argv[2])));
