import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage, decodeVideo } from "../src/image/index.ts";
import { type Answer, Owl } from "../src/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import type { Harness, Question } from "./browser/page.ts";
import { damagedPictures, isUpright, oddlyEnded, strangersFile, turnedPictures } from "./browser/pictures.ts";
import type { FileServer } from "./browser/server.ts";
import { answersInNode, ask, onDisk, openPage, root, Site } from "./browser/site.ts";
import { chromiumPath, skipChromium } from "./setup/chromium.ts";

declare const harness: Harness;

const questions: readonly Question[] = [
  { text: "what is this?", pictures: ["/examples/owl.png"] },
  { text: "what colour is the background?", pictures: ["/examples/penguin.png"] },
  { text: "what is in the first picture?", pictures: ["/examples/umbrella.png", "/examples/sunflower.png"] },
  { text: "what is this?", pictures: ["/fixtures/photo.jpg"] },
  { text: "what do cats eat?" },
];

/** Settings with which the answer does not end before it is cut. */
const rambling = { maxNewTokens: 120, eosTokenIds: [] };

const pictures = [
  "photo.jpg",
  "turned.jpg",
  "rgb.png",
  "rgba.png",
  "gray.png",
  "gray-alpha.png",
  "gray16.png",
  "rgb16.png",
  "palette.png",
  "palette-transparent.png",
  "bilevel.png",
  "animated.gif",
  "transparent.gif",
  "lossy.webp",
  "one-pixel.png",
  "sliver.png",
  "inks.jpg",
];

describe.skipIf(skipChromium)("inside a web page (Chromium)", { timeout: 300_000 }, () => {
  const site = new Site();
  const { isolated, plain } = site;
  let expected: readonly Answer[];
  let browser: Browser;

  beforeAll(async () => {
    await site.build();
    expected = await answersInNode(join(root, "models/owl-nano"), questions);
    // A host name other than localhost, so that the browser treats its http pages as insecure.
    const args = ["--host-resolver-rules=MAP owl.test 127.0.0.1"];
    browser = await chromium.launch({ executablePath: chromiumPath(), args });
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    site.close();
  });

  const modelRequests = (server: FileServer) => server.asked.filter((line) => line.includes("/models/"));

  it("answers token for token as Node does, with threads, and tells how its files come", async () => {
    const page = await openPage(isolated, browser);
    expect(await page.evaluate(() => harness.isIsolated())).toBe(true);
    await page.evaluate(() => harness.open("plain", { threads: 2 }));
    for (const [i, question] of questions.entries()) {
      const { ids, error } = await ask(page, question);
      expect(error).toBeUndefined();
      expect(ids).toEqual(expected[i].ids);
    }
    const events = await page.evaluate(() => harness.events());
    expect(events).toContainEqual({ kind: "ready", device: "cpu", threads: 2 });
    const weights = events.flatMap((event) =>
      event.kind === "transfer" && event.url.endsWith("model.safetensors") && event.from === "network"
        ? [event]
        : [],
    );
    expect(weights.length).toBeGreaterThan(1);
    expect(weights.at(-1)?.bytes).toBe(weights[0].totalBytes);
    await page.close();
  });

  it("answers the same on one thread, where the page is not isolated", async () => {
    const page = await openPage(plain, browser);
    await page.evaluate(() => harness.open("plain"));
    const { ids, promptTokens } = await ask(page, questions[0]);
    expect(ids).toEqual(expected[0].ids);
    expect(promptTokens).toBeGreaterThan(20);
    expect(await page.evaluate(() => harness.events().at(-1))).toEqual({
      kind: "ready",
      device: "cpu",
      threads: 1,
    });
    await page.close();
  });

  it("takes a model's files from its cache until it is told to forget them", async () => {
    const context = await browser.newContext();
    const page = await openPage(isolated, context);
    await page.evaluate(() => harness.open("plain"));
    await page.evaluate(() => harness.load());
    await page.reload();
    isolated.asked.length = 0;
    await page.evaluate(() => harness.open("plain"));
    expect((await ask(page, questions[0])).ids).toEqual(expected[0].ids);
    expect(modelRequests(isolated)).toEqual([]);

    expect(await page.evaluate(() => harness.changedFiles())).toEqual([]);
    isolated.replaced.set("/models/owl-nano/generation_config.json", new TextEncoder().encode("{}"));
    const changed = await page.evaluate(() => harness.changedFiles());
    isolated.replaced.clear();
    expect(changed.map((url) => url.split("/").at(-1))).toEqual(["generation_config.json"]);
    await page.evaluate(() => harness.forgetFiles());
    isolated.asked.length = 0;
    await page.evaluate(() => harness.open("plain"));
    await page.evaluate(() => harness.load());
    expect(modelRequests(isolated)).toContain("GET /models/owl-nano/model.safetensors");
    await context.close();
  });

  it("works without https, where nothing can be kept", async () => {
    const page = await openPage(plain, browser, "owl.test");
    expect(await page.evaluate(() => harness.isSecure())).toBe(false);
    for (const _ of ["once", "again"]) {
      plain.asked.length = 0;
      await page.evaluate(() => harness.open("plain"));
      expect((await ask(page, questions[0])).ids).toEqual(expected[0].ids);
      expect(modelRequests(plain)).toContain("GET /models/owl-nano/model.safetensors");
    }
    await page.close();
  });

  it("fetches anew what it kept of a model that was not whole", async () => {
    const context = await browser.newContext();
    const page = await openPage(isolated, context);
    await page.evaluate(() => harness.open("plain", { model: "/models/late" }));
    const missing = await ask(page, questions[4]);
    expect(missing.error).toMatch(/^FileError: .*\/models\/late\/config\.json: .*no such file/);
    cpSync(join(root, "models/owl-nano"), join(site.work, "late"), { recursive: true });
    expect((await ask(page, questions[4])).ids).toEqual(expected[4].ids);
    await context.close();
  });

  it("stops in the middle of an answer, by a signal or left alone, and goes on with the next", async () => {
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("plain"));
    const { text, ids } = await page.evaluate(([it, how]) => harness.ask(it, how), [
      questions[4],
      rambling,
    ] as const);
    expect(ids.length).toBe(rambling.maxNewTokens);
    for (const [what, error] of [["stop", "AbortError"] as const, ["leave", undefined] as const]) {
      const before = await page.evaluate(() => harness.piecesSaid());
      const stopped = await page.evaluate(([what, it, how]) => harness.askAnd(what, it, how), [
        what,
        questions[4],
        rambling,
      ] as const);
      expect(stopped.error).toBe(error);
      expect(stopped.text).not.toBe("");
      expect(text.startsWith(stopped.text)).toBe(true);
      expect((await ask(page, questions[4])).ids).toEqual(expected[4].ids);
      const said = (await page.evaluate(() => harness.piecesSaid())) - before;
      expect(said).toBeLessThan(expected[4].ids.length + 20);
    }
    await page.close();
  });

  it("looks at a picture where Node looks", async () => {
    const owl = await Owl.load(join(root, "models/owl-nano"));
    const here = await owl.attention(onDisk("/examples/owl.png"));
    await owl.close();
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("plain"));
    const { maps, ...sizes } = await page.evaluate(() => harness.attention("/examples/owl.png"));
    expect({ ...here, maps: undefined }).toEqual({ ...sizes, maps: undefined });
    expect(maps.length).toBe(here.maps.length);
    expect(Math.max(...maps)).toBeGreaterThan(0.01);
    expect(Math.max(...maps.map((share, i) => Math.abs(share - here.maps[i])))).toBeLessThan(1e-4);
    await page.close();
  });

  it("is in the page that docs/browser.md shows, built from the package by its name", async () => {
    await site.buildDocumented();
    const page = await browser.newPage();
    await page.goto(`${await isolated.address()}/documented/index.html`);
    await page.locator('input[type="file"]').setInputFiles(onDisk("/examples/owl.png"));
    const said = page.locator("output");
    await expect.poll(() => said.textContent(), { timeout: 240_000 }).toBe(expected[0].text);
    await page.close();
  });

  it("says in words what is wrong with a model or a picture", async () => {
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("plain", { model: "/models/nobody" }));
    const missing = await ask(page, questions[4]);
    expect(missing.error).toMatch(/^FileError: .*\/models\/nobody\/config\.json: .*no such file/);
    await page.evaluate(() => harness.open("plain"));
    const noPicture = await ask(page, { text: "what is this?", pictures: ["/models/owl-nano/config.json"] });
    expect(noPicture.error).toMatch(/^ImageError: .*must be a picture/);
    expect((await ask(page, questions[4])).ids).toEqual(expected[4].ids);
    await page.close();
  });

  it("says that memory has ended, and takes a fresh worker for the next question", async () => {
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("scarce memory"));
    const failed = await ask(page, questions[4]);
    expect(failed.error).toMatch(/^OutOfMemoryError: .*not enough memory/);
    expect((await ask(page, questions[4])).ids).toEqual(expected[4].ids);
    await page.close();
  });

  it("runs a model of four bits", async () => {
    const small = join(site.work, "nano-q4");
    await convertCheckpoint(join(root, "models/owl-nano"), small, { quantize: "q4" });
    const [answer] = await answersInNode(small, questions);
    const page = await openPage(isolated, browser);
    await page.evaluate(() => harness.open("plain", { model: "/models/nano-q4" }));
    expect((await ask(page, questions[0])).ids).toEqual(answer.ids);
    await page.close();
  });

  it("decodes pictures as Node does: orientation, transparency, palettes, 16 bits, inks", async () => {
    const page = await openPage(plain, browser);
    const differences: Record<string, number> = {};
    for (const name of pictures) {
      const here = await decodeImage(onDisk(`/fixtures/${name}`));
      const there = await page.evaluate((address) => harness.decode(address), `/fixtures/${name}`);
      if (typeof there === "string") throw new Error(there);
      expect([name, there.width, there.height]).toEqual([name, here.width, here.height]);
      expect(there.data.length).toBe(here.data.length);
      const difference = Math.max(...there.data.map((value, i) => Math.abs(value - here.data[i])));
      if (difference > 0) differences[name] = difference;
    }
    expect(differences).toEqual({});
    await page.close();
  });

  /** A picture as decoded by the page and by Node, or their errors, and the largest difference of a level. */
  async function atBothDoors(page: Page, bytes: Uint8Array) {
    plain.replaced.set("/fixtures/given", bytes);
    const there = await page.evaluate(() => harness.decode("/fixtures/given"));
    const here = await decodeImage(bytes).catch((error: Error) => error.message);
    if (typeof here === "string" || typeof there === "string") return { here, there, difference: undefined };
    const isSame = here.width === there.width && here.height === there.height;
    const difference = isSame
      ? Math.max(...there.data.map((value, i) => Math.abs(value - here.data[i])))
      : 256;
    return { here, there, difference };
  }

  it("turns pictures of every format as Node does, upright: red, green over blue, yellow", async () => {
    const page = await openPage(plain, browser);
    const wrong: string[] = [];
    for (const { name, bytes } of await turnedPictures()) {
      const { here, difference } = await atBothDoors(page, bytes);
      if (typeof here === "string" || difference !== 0 || !isUpright(here)) wrong.push(name);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("takes files that only look damaged, and refuses cut and damaged ones, as Node does", async () => {
    const page = await openPage(plain, browser);
    const base = await decodeImage(strangersFile("base.jpg"));
    for (const name of ["fill-bytes.jpg", "no-eoi-trailer.jpg"]) {
      const { here, difference } = await atBothDoors(page, strangersFile(name));
      expect([name, difference, here]).toEqual([name, 0, base]);
    }
    for (const { name, bytes } of oddlyEnded()) {
      const { difference } = await atBothDoors(page, bytes);
      expect([name, difference]).toEqual([name, 0]);
    }
    const { difference } = await atBothDoors(page, strangersFile("mif1.avif"));
    expect(difference).toBe(0);
    const { here, there } = await atBothDoors(page, strangersFile("corrupt-scan.jpg"));
    expect(here).toMatch(/whole JPEG file, got 96×96 .*codes that no table has.*damaged or cut short/);
    expect(there).toBe(here);
    const taken: string[] = [];
    for (const { name, bytes } of await damagedPictures()) {
      const { here, there } = await atBothDoors(page, bytes);
      if (typeof here !== "string") taken.push(`${name} in Node`);
      if (typeof there !== "string") taken.push(`${name} in the page`);
    }
    expect(taken).toEqual([]);
    plain.replaced.clear();
    await page.close();
  });

  it("decodes animations as Node does, and says what it cannot decode", async () => {
    const page = await openPage(plain, browser);
    const here = await decodeVideo(onDisk("/fixtures/animated.gif"), { frames: 4, size: 16 });
    const there = await page.evaluate(() => harness.frames("/fixtures/animated.gif"));
    expect(there).toEqual(here.map((frame) => ({ ...frame, data: [...frame.data] })));
    expect(here[0].data).not.toEqual(here[3].data);

    const photo = readFileSync(onDisk("/fixtures/photo.jpg"));
    plain.replaced.set("/fixtures/cut.jpg", photo.subarray(0, 700));
    plain.replaced.set("/fixtures/film.mp4", new TextEncoder().encode("....ftypisom...."));
    plain.replaced.set(
      "/fixtures/drawing.svg",
      new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'),
    );
    const said = async (name: string): Promise<unknown> =>
      page.evaluate((address) => harness.decode(address), `/fixtures/${name}`);
    expect(await said("cut.jpg")).toMatch(/whole JPEG file.*damaged or cut short/);
    expect(await said("drawing.svg")).toMatch(/must be JPEG, PNG, WebP, GIF or AVIF in a browser, got SVG/);
    expect(await page.evaluate(() => harness.frames("/fixtures/film.mp4"))).toMatch(/give its frames/);
    const reference = await page.evaluate(() => harness.decode("/fixtures/rgba.png", "reference"));
    expect(reference).toMatch(/fidelity "reference" needs Node/);
    plain.replaced.clear();
    await page.close();
  });
});
