import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ChatMessage, Owl } from "../src/index.ts";
import type { OwlServer } from "../src/server/index.ts";
import { modelDirectory, owlServer, picturePath } from "../src/server/testing/owl-server.ts";
import { onSocket } from "../src/server/testing/socket.ts";
import { FileServer } from "./browser/server.ts";
import { changeGpu, shortenMemory } from "./browser/worker-environment.ts";
import {
  answered,
  answers,
  ask,
  field,
  type OpenedPage,
  openPage,
  patience,
  questions,
  textOf,
} from "./page-fixture.ts";
import { chromiumPath, skipChromium, softwareGpu } from "./setup/chromium.ts";
import { builtPage } from "./setup/page.ts";

const weights = "GET /models/owl-nano/model.safetensors";

/** Follows "what is this?" about examples/owl.png. */
const second = "what does it eat?";
/** A question without a picture. */
const aside = "what do cats eat?";

/** Node's answer to each question. */
async function answersOf(owl: Owl): Promise<{ first: string; second: string; aside: string }> {
  const image = { type: "image" as const, image: picturePath("owl.png") };
  const user = (content: ChatMessage["content"]): ChatMessage => ({ role: "user", content });
  const say = async (...turns: ChatMessage[]): Promise<string> => (await owl.chat(turns).text()).trim();
  const question = user([image, { type: "text", text: "what is this?" }]);
  const first = await say(question);
  const answer: ChatMessage = { role: "assistant", content: first };
  return { first, second: await say(question, answer, user(second)), aside: await say(user(aside)) };
}

/** Turns the page's switch. */
async function answerHere(page: Page, isHere = true): Promise<void> {
  await page.keyboard.press("Alt+s");
  await page.getByRole("switch", { name: "In this browser" }).setChecked(isHere);
  await page.getByRole("button", { name: "Done" }).click();
}

const notices = (page: Page): Locator => page.getByRole("region", { name: "Notices" });

/** The branch counter of the last answer: which one of how many. */
const branches = (page: Page): Promise<string> =>
  answers(page).last().getByRole("group", { name: "Branches" }).innerText();

async function askAboutOwl(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Example: owl" }).click();
}

/** Records every state of the download bar. */
function noteProgress(): void {
  const states: { words: string; fraction: number }[] = [];
  Object.assign(window, { states });
  new MutationObserver(() => {
    const bar = document.querySelector<HTMLProgressElement>("article progress");
    const words = bar?.closest("label")?.textContent?.trim();
    if (bar && words) states.push({ words, fraction: bar.position });
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

/** Acts inside the page as soon as an answer's first words show, sooner than a test outside could. */
function atFirstWords(what: "stop" | "lose the GPU"): void {
  const watching = new MutationObserver(() => {
    if (!document.querySelector(".writing")?.textContent?.trim()) return;
    watching.disconnect();
    if (what === "stop") document.querySelector<HTMLElement>('button[aria-label="Stop"]')?.click();
    else new BroadcastChannel("gpu").postMessage("destroy");
  });
  watching.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

describe.skipIf(skipChromium)("the page, in this browser", { timeout: 8 * patience }, () => {
  /** Requests to the server, as `GET /path`. */
  const asked: string[] = [];
  const modelRequests = () => asked.filter((line) => line.startsWith("GET /models/"));
  /** Script that is put before the workers' own. */
  let preface = "";
  let directory: string;
  let served: Awaited<ReturnType<typeof owlServer>>;
  let socket: Awaited<ReturnType<typeof onSocket>>;
  let plain: Browser;
  let withGpu: Browser;
  let opened: OpenedPage | undefined;
  let expected: Awaited<ReturnType<typeof answersOf>>;

  const tampering: Pick<OwlServer, "fetch"> = {
    async fetch(request) {
      const response = await served.server.fetch(request);
      if (preface === "" || !/\/assets\/owl-[\w-]+\.js$/.test(request.url)) return response;
      const headers = { ...Object.fromEntries(response.headers), "cache-control": "no-store" };
      return new Response(preface + (await response.text()), {
        headers: Object.entries(headers).filter(([name]) => name !== "content-length" && name !== "etag"),
      });
    },
  };

  beforeAll(async () => {
    const executablePath = chromiumPath();
    [directory, plain, withGpu] = await Promise.all([
      builtPage(),
      chromium.launch({ executablePath }),
      chromium.launch({ executablePath, args: softwareGpu }),
    ]);
    served = await owlServer({
      page: directory,
      onEvent: (event) => {
        if (event.kind === "reply") asked.push(`${event.method} ${event.path}`);
      },
    });
    socket = await onSocket({ ...served.server, fetch: tampering.fetch });
    expected = await answersOf(served.owl);
  }, 600_000);

  afterAll(async () => {
    await plain?.close();
    await withGpu?.close();
    await socket?.close();
    await served?.close();
  });

  afterEach(async () => {
    preface = "";
    await opened?.close();
    expect(opened?.faults).toEqual([]);
  });

  async function open(browser: Browser): Promise<Page> {
    opened = await openPage(browser, socket.url);
    // Loading a model takes a while where other tests keep the machine busy.
    opened.page.setDefaultTimeout(3 * patience);
    asked.length = 0;
    return opened.page;
  }

  it("answers as the server does, shows how its files come, and needs them once", async () => {
    const page = await open(plain);
    await askAboutOwl(page);
    expect(await answered(page)).toBe(expected.first);
    await answerHere(page);
    await page.keyboard.press("Alt+n");
    await page.evaluate(noteProgress);
    asked.length = 0;
    await askAboutOwl(page);
    expect(await answered(page)).toBe(expected.first);
    const states = await page.evaluate(
      () => (window as unknown as { states: { words: string; fraction: number }[] }).states,
    );
    const fetched = states.filter(({ words }) => words === "Fetching the model: model.safetensors");
    expect(new Set(fetched.map(({ fraction }) => fraction)).size).toBeGreaterThan(1);
    expect(Math.min(...fetched.map(({ fraction }) => fraction))).toBeGreaterThan(0);
    expect(states.map(({ words }) => words)).toContain("Preparing the model");
    expect(modelRequests()).toContain(weights);
    expect(await ask(page, second)).toBe(expected.second);
    expect(await answers(page).last().innerText()).toMatch(/\d+ tokens · (\d+ a second · )?first after/);

    await page.reload();
    await answered(page);
    asked.length = 0;
    await page.getByRole("button", { name: "Another answer" }).last().click();
    expect(await answered(page)).toBe(expected.second);
    expect(await branches(page)).toMatch(/2\D+2/);
    expect(modelRequests()).toEqual([]);
    expect(asked.filter((line) => line.startsWith("POST"))).toEqual([]);
  });

  it("stops, goes on, tells where it looks, and lets go of the model when the server answers again", async () => {
    const page = await open(plain);
    await answerHere(page);
    await page.evaluate(atFirstWords, "stop" as const);
    await askAboutOwl(page);
    const stopped = await answered(page);
    expect(stopped).not.toBe(expected.first);
    expect(expected.first.startsWith(stopped)).toBe(true);
    await page.getByRole("button", { name: "Another answer" }).click();
    expect(await answered(page)).toBe(expected.first);
    expect(await branches(page)).toMatch(/2\D+2/);

    await questions(page).getByTitle("Look where it looks").click();
    await page.getByText("patches of the picture").waitFor();
    expect(await page.locator("dialog figure canvas").count()).toBe(1);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    expect(asked.filter((line) => line.startsWith("POST"))).toEqual([]);

    expect(page.workers().length).toBeGreaterThan(0);
    await answerHere(page, false);
    await expect.poll(() => page.workers().length, { timeout: patience }).toBe(0);
    expect(await ask(page, second)).toBe(expected.second);
    expect(asked).toContain("POST /v1/chat/completions");
  });

  it("asks nothing of the server from the moment it is turned on, also before its own code has come", async () => {
    const page = await open(plain);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/\/assets\/browser-backend-[^/]*\.js$/, async (route) => {
      await released;
      await route.continue();
    });
    await answerHere(page);
    await field(page).fill(aside);
    await field(page).press("Enter");
    await answers(page).last().waitFor();
    release();
    expect(await answered(page)).toBe(expected.aside);
    expect(asked.filter((line) => line.startsWith("POST"))).toEqual([]);
  });

  it("says that memory has ended, and answers when it is asked again", async () => {
    const page = await open(plain);
    await answerHere(page);
    preface = `(${shortenMemory})();`;
    await askAboutOwl(page);
    await answers(page).getByText("There is not enough memory for this model in the browser.").waitFor();
    preface = "";
    await page.getByRole("button", { name: "Try again" }).click();
    expect(await answered(page)).toBe(expected.first);
  });

  it("says that a GPU which computes wrongly cannot be used, and answers on the processor", async () => {
    const page = await open(withGpu);
    await answerHere(page);
    await askAboutOwl(page);
    await notices(page).getByText("The GPU cannot be used; the processor goes on in its place.").waitFor();
    expect(await answered(page)).toBe(expected.first);
  });

  it(
    "answers on a sound GPU, says that it is lost, and goes on without",
    {
      timeout: 20 * patience,
    },
    async () => {
      const page = await open(withGpu);
      // A software GPU shares the processor with everything else.
      page.setDefaultTimeout(15 * patience);
      await answerHere(page);
      preface = `(${changeGpu})();`;
      expect(await ask(page, aside)).toBe(expected.aside);
      expect(await notices(page).getByText("The GPU").count()).toBe(0);
      await page.evaluate(atFirstWords, "lose the GPU" as const);
      await page.getByRole("button", { name: "Another answer" }).click();
      await answers(page)
        .getByText("The GPU was lost in the middle of the answer. Ask again: the processor goes on.")
        .waitFor();
      await notices(page).getByText("The GPU cannot be used; the processor goes on in its place.").waitFor();
      await page.getByRole("button", { name: "Try again" }).click();
      expect(await answered(page)).toBe(expected.aside);
    },
  );

  it("works as plain files with a list of models, under any path, without threads", async () => {
    const files = new FileServer({ "/owls/models/": `${modelDirectory}/..`, "/owls/": directory }, false);
    files.replaced.set("/owls/models/models.json", new TextEncoder().encode('["owl-nano"]'));
    try {
      const context = await plain.newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(3 * patience);
      await page.goto(`${await files.address()}/owls/`);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      await page.getByText("owl-nano").waitFor();
      await askAboutOwl(page);
      expect(await answered(page)).toBe(expected.first);
      await page.reload();
      await answered(page);
      files.asked.length = 0;
      expect(await ask(page, second)).toBe(expected.second);
      expect(files.asked.filter((line) => line.startsWith("GET /owls/models/owl-nano"))).toEqual([]);
      expect(await textOf(answers(page).first())).toBe(expected.first);
      await context.close();
    } finally {
      files.close();
    }
  });
});
