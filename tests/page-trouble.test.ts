import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createServer, type RemoteFetch } from "../src/server/index.ts";
import { modelDirectory, picturePath, question } from "../src/server/testing/owl-server.ts";
import { onSocket } from "../src/server/testing/socket.ts";
import {
  addExamples,
  answered,
  answers,
  archiveOf,
  ask,
  base64Of,
  chooser,
  field,
  importFile,
  type OpenedPage,
  openPage,
  openStage,
  patience,
  questions,
  type Stage,
  textOf,
} from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";
import { ffmpeg, greyFilm, skipFfmpeg } from "./setup/ffmpeg.ts";
import { builtPage } from "./setup/page.ts";

/** Lets the first events of a streamed reply through, then nothing: the connection stays open. */
function beginningOf(response: Response): Response {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  let events = 0;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(event, controller) {
      if (events++ < 4) controller.enqueue(event);
    },
    flush: () => new Promise(() => undefined),
  });
  return new Response(response.body?.pipeThrough(cut) ?? null, response);
}

/** The message in place of an answer, or below it. */
const problemOf = (page: Page) => answers(page).last().locator(".problem");
const tryAgain = (page: Page) => page.getByRole("button", { name: "Try again", exact: true });
/** The message of an answer for which a retry could not help. */
const refusalOf = (page: Page) => page.getByRole("group", { name: "Not answered" });

describe.skipIf(skipChromium)("the page, when something is in the way", { timeout: 3 * patience }, () => {
  let stage: Stage;
  let opened: OpenedPage;
  let page: Page;

  /** Delivers the remote picture that a request has been waiting for. */
  let deliver: (() => void) | undefined;
  const remote: RemoteFetch = () =>
    new Promise((resolve) => {
      deliver = () => resolve(readFileSync(picturePath("owl.png")));
    });

  beforeAll(async () => {
    stage = await openStage({ limits: { queue: 1, pictures: 2 }, remote });
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

  it("a server that is gone is told in words, and the chat goes on when it is back", async () => {
    const first = await ask(page, "what do cats eat?");
    const connect = await stage.disconnect();
    await field(page).fill("what do dogs eat?");
    await field(page).press("Enter");
    await problemOf(page).getByText("The server cannot be reached. Is it still running?").waitFor();
    await connect();
    await tryAgain(page).click();
    await expect.poll(() => answers(page).last().locator(".markdown").count()).toBe(1);
    expect(await answered(page)).not.toBe("");
    expect(await textOf(answers(page).first())).toBe(first);
  });

  it("an answer that breaks off keeps its words", async () => {
    // A connection that lets the first words of an answer through and no more.
    const { server } = stage.served;
    const wire = await onSocket({
      fetch: async (request) => beginningOf(await server.fetch(request)),
      drain: () => server.drain(),
      close: () => server.close(),
    });
    const cut = await openPage(stage.browser, wire.url);
    await field(cut.page).fill("what do cats eat?");
    await field(cut.page).press("Enter");
    await answers(cut.page).locator(".writing").waitFor();
    await wire.close();
    await problemOf(cut.page).getByText("The connection ended before the answer was complete.").waitFor();
    const kept = await answered(cut.page);
    expect(kept).not.toBe("");
    const whole = await ask(page, "what do cats eat?");
    expect(whole.startsWith(kept)).toBe(true);
    expect(whole.length).toBeGreaterThan(kept.length);
    expect(cut.faults).toEqual([]);
    await cut.close();
  });

  it("a server that is busy is told in words, with when to try again", async () => {
    // Another client holds the only slot and waits for a remote picture.
    const other = stage.served.post(
      "/v1/chat/completions",
      question("what is this?", "https://example.com/owl.png"),
    );
    await expect.poll(() => deliver).toBeDefined();
    await field(page).fill("what do cats eat?");
    await field(page).press("Enter");
    await problemOf(page)
      .getByText(/^The server is busy: .*\. Try again in 5 seconds\.$/)
      .waitFor();
    deliver?.();
    expect((await other).status).toBe(200);
    await tryAgain(page).click();
    await expect.poll(() => answers(page).locator(".markdown").count()).toBe(1);
    expect(await answered(page)).not.toBe("");
  });

  it("two pictures in one question, a second turn; no more than the server takes are added", async () => {
    const bodies: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/v1/chat/completions")) bodies.push(request.postData() ?? "");
    });
    await addExamples(page, "umbrella.png", "sunflower.png");
    const shown = [await ask(page, "what is in the first picture?"), await ask(page, "and its color?")];
    const asked = bodies.map((body) => JSON.parse(body));
    const kinds = asked[1].messages.map(({ content }: { content: string | { type: string }[] }) =>
      typeof content === "string" ? content : content.map(({ type }) => type),
    );
    expect(kinds).toEqual([["image_url", "image_url", "text"], shown[0], ["text"]]);
    for (const [i, body] of asked.entries()) {
      const { stream_options: _, ...rest } = body;
      const response = await stage.served.post("/v1/chat/completions", { ...rest, stream: false });
      const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
      expect(choices[0].message.content.trim()).toBe(shown[i]);
    }
    expect(shown[0]).not.toBe("");

    // The page knows the limit from the server.
    await chooser(page).setInputFiles(picturePath("penguin.png"));
    await page.getByText("A conversation may have 2 pictures and videos.").waitFor();
    await page.getByRole("button", { name: "New conversation" }).last().click();
    await addExamples(page, "penguin.png");
    expect(await ask(page, "what is this?")).not.toBe("");
  });

  it("a question that is too long is refused with ways on, and is in the way of no other", async () => {
    await field(page).fill("what do cats eat? ".repeat(250));
    await field(page).press("Enter");
    await refusalOf(page)
      .getByText(/^The server refused this: .*1024/)
      .waitFor();
    expect(await tryAgain(page).count()).toBe(0);
    expect(await answers(page).count()).toBe(0);
    expect(await ask(page, "what do cats eat?")).not.toBe("");
    await refusalOf(page).getByRole("button", { name: "Edit the question" }).click();
    const editor = page.getByRole("form", { name: "Edit the question" });
    await editor.getByRole("textbox").fill("what do dogs eat?");
    await editor.getByRole("textbox").press("Enter");
    expect(await answered(page)).not.toBe("");
    expect(await refusalOf(page).count()).toBe(0);
  });

  it("a conversation goes on for ever, and says what was left out; a meter shows how full it is", async () => {
    const meter = page.getByRole("meter");
    let notes = 0;
    for (let i = 0; i < 20; i++) {
      expect(await ask(page, "what do cats eat? ".repeat(14).trim())).not.toBe("");
      notes = await page.getByText(/left out/).count();
      const { used, most } = await meter.evaluate(({ value, max }: HTMLMeterElement) => ({
        used: value,
        most: max,
      }));
      expect(used).toBeGreaterThan(0);
      expect(used).toBeLessThanOrEqual(most);
      expect(most).toBe(1024);
    }
    expect(notes).toBeGreaterThan(0);
    expect(await page.getByRole("meter", { name: /of 1024 positions/ }).count()).toBe(1);
  });

  it("a picture that the server cannot read is named, and the question is asked without it", async () => {
    const broken = `data:image/png;base64,${base64Of("owl.png").slice(0, 400)}`;
    const names = ["owl.png", "broken.png"];
    const attachments = names.map((name) => ({ id: name, kind: "image", name, type: "image/png" }));
    const files = { "owl.png": `data:image/png;base64,${base64Of("owl.png")}`, "broken.png": broken };
    const turns = [
      { role: "user", text: "what is this?", attachments },
      { role: "assistant", text: "this is an owl.", state: "done", model: "owl-nano" },
    ];
    await importFile(page, archiveOf("two pictures", turns, files));
    await page.getByText("1 conversation is imported.").waitFor();
    await field(page).fill("what does it eat?");
    await field(page).press("Enter");
    await refusalOf(page)
      .getByText(/^The server refused this/)
      .waitFor();
    await refusalOf(page).getByRole("button", { name: "Ask without broken.png" }).click();
    expect(await answered(page)).not.toBe("");
    expect(await questions(page).getByRole("img", { name: "broken.png" }).count()).toBe(0);
    expect(await questions(page).getByRole("img", { name: "owl.png" }).count()).toBe(1);
  });

  it("a server that went away breaks no picture, and is found again by itself", async () => {
    await ask(page, "what do cats eat?");
    const connect = await stage.disconnect();
    await page.keyboard.press("Alt+n");
    await field(page).fill("what do dogs eat?");
    await field(page).press("Enter");
    await page.getByRole("button", { name: "not connected – try again" }).waitFor();
    const isBroken = () =>
      page.evaluate(
        () => [...document.images].filter((image) => image.complete && image.naturalWidth === 0).length,
      );
    expect(await isBroken()).toBe(0);
    await page.keyboard.press("Alt+n");
    await page.getByRole("button", { name: "Example: owl" }).waitFor();
    expect(await isBroken()).toBe(0);
    await connect();
    await page.getByText("The server is there again.").waitFor();
    expect(await ask(page, "what do dogs eat?")).not.toBe("");
  });

  it.skipIf(skipFfmpeg)("a video is shown and asked about", async () => {
    const folder = mkdtempSync(join(tmpdir(), "owl-film-"));
    const film = join(folder, "film.mp4");
    ffmpeg(...greyFilm(8, 30), film);
    await chooser(page).setInputFiles(film);
    await page.getByRole("button", { name: "Remove film.mp4" }).waitFor();
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["\0\0\0\x14ftypisom", new Uint8Array(17 * 2 ** 20)], "long.mp4"));
      window.dispatchEvent(new DragEvent("drop", { cancelable: true, dataTransfer }));
    });
    await page.getByText('"long.mp4" has 17 MB; a video may have 16 MB. Cut it shorter.').waitFor();
    expect(await ask(page, "what is this?")).not.toBe("");
    const video = questions(page).locator("video");
    expect(await video.getAttribute("aria-label")).toBe("Video film.mp4");
    await page.reload();
    await expect
      .poll(() => video.evaluate(({ readyState }: HTMLVideoElement) => readyState))
      .toBeGreaterThan(0);
    rmSync(folder, { recursive: true });
  });

  it("one model is named; among several one is chosen, and answers", async () => {
    expect(await page.getByRole("combobox", { name: "Model" }).count()).toBe(0);
    const model = { owl: stage.served.owl, directory: modelDirectory };
    const server = createServer({
      models: { "owl-nano": model, "owl-other": model },
      page: await builtPage(),
    });
    const socket = await onSocket(server);
    const two = await openPage(stage.browser, socket.url);
    const asked = two.page.waitForRequest("**/v1/chat/completions");
    await two.page.getByRole("combobox", { name: "Model" }).selectOption("owl-other");
    expect(await ask(two.page, "what do cats eat?")).not.toBe("");
    expect((await asked).postDataJSON()).toMatchObject({ model: "owl-other" });
    await two.page.reload();
    await expect.poll(() => two.page.getByRole("combobox", { name: "Model" }).inputValue()).toBe("owl-other");
    expect(two.faults).toEqual([]);
    await two.close();
    await socket.close();
    await server.close();
  });
});
