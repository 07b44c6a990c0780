import { appendFile, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HttpServer, listenHttp } from "../src/platform/index.ts";
import { refuseMalformed } from "../src/server/index.ts";
import { picturePath } from "../src/server/testing/owl-server.ts";
import type { SampleAnswer, TrainingEvent } from "../src/training/index.ts";
import { createWatchServer } from "../src/watch/index.ts";
import { inaccessible, launch, openPage, patience, sideways } from "./page-fixture.ts";
import { skipChromium } from "./setup/chromium.ts";
import { builtPage } from "./setup/page.ts";

const lines = (events: readonly TrainingEvent[]): string =>
  events.map((event) => `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`).join("");

const step = (number: number, loss: number): TrainingEvent => ({
  kind: "step",
  step: number,
  steps: 40,
  loss,
  gradientNorm: 2,
  learningRate: 1e-4,
  tokens: 100,
  stepTokens: 100,
  // Long enough that no machine is so busy that the run seems to be silent.
  seconds: 50,
  waitSeconds: 0.025,
  memoryBytes: 2 ** 31,
  tokensPerSecond: 200,
  secondsLeft: 75,
});
const start = (number: number): TrainingEvent => ({ kind: "start", recipe: "owls", step: number, steps: 40 });
const picture = "samples/0123456789abcdef.png";

function samples(number: number, answer: string): TrainingEvent {
  const framing = { fit: "squeeze", edge: 64, size: 64, covered: 64 } as const;
  const attention = [{ rows: 2, columns: 2, framing, shares: [1, 0.5, 0.25, 0] }];
  const answers: SampleAnswer[] = [
    { question: "what is this?", pictures: [picture], answer, isCut: false, attention },
    { question: "who are you?", pictures: [], answer: "an owl", isCut: true, attention: [] },
  ];
  return { kind: "samples", step: number, answers };
}

describe.skipIf(skipChromium)("the page of `owl watch`", { timeout: 3 * patience }, () => {
  let place: string;
  let browser: Awaited<ReturnType<typeof launch>>;
  let socket: HttpServer;
  let url: string;
  const log = (run: string): string => join(place, run, "log.jsonl");

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "owl-watched-"));
    for (const run of ["owls", "other"]) {
      await mkdir(join(place, run, "samples"), { recursive: true });
      await copyFile(picturePath("owl.png"), join(place, run, picture));
    }
    const losses = Array.from({ length: 10 }, (_, i) => step(i + 1, 3 - i / 10));
    const evaluation: TrainingEvent = { kind: "evaluation", step: 10, loss: 2.5, rewardMargin: 0.75 };
    const score = { F1: { estimate: 0.625, low: 0.5, high: 0.75 } };
    const benchmark: TrainingEvent = {
      kind: "benchmark",
      step: 10,
      name: "pope",
      items: 50,
      seconds: 9,
      figures: score,
    };
    await writeFile(
      log("owls"),
      lines([start(0), samples(0, "a thing"), ...losses, evaluation, benchmark, samples(10, "a bird")]),
    );
    const page = await builtPage();
    const fetch = createWatchServer({ places: [place], page, hosts: ["127.0.0.1"] });
    [browser, socket] = await Promise.all([
      launch(),
      listenHttp(fetch, { host: "127.0.0.1", port: 0, refuse: refuseMalformed }),
    ]);
    url = `http://127.0.0.1:${socket.port}`;
  }, 10 * patience);

  afterAll(async () => {
    await browser?.close();
    await socket?.close(0);
    await rm(place, { recursive: true });
  });

  const chart = (page: Page, title: string) => page.getByRole("region", { name: title });
  const answersTo = (page: Page, question: string) =>
    page.getByRole("article", { name: question }).locator("dd");

  it("follows a run while it is written, and tells its figures and answers at every step", async () => {
    const { page, faults, close } = await openPage(browser, url, { colorScheme: "light" }, "Sample answers");
    await chart(page, "Loss").getByText("training 2.1").waitFor();
    await chart(page, "Loss").getByText("held-out rows 2.5").waitFor();
    await chart(page, "Memory").getByText("2 GiB").waitFor();
    await chart(page, "pope, F1").getByText("score 0.625").waitFor();
    await chart(page, "Reward margin").getByText("held-out pairs 0.75").waitFor();
    await chart(page, "Wait for rows").getByText("25 ms").waitFor();
    await page.getByText("runs, 1 min 15 s left").waitFor();
    expect(await answersTo(page, "what is this?").allInnerTexts()).toEqual(["a thing", "a bird"]);
    expect(await answersTo(page, "who are you?").allInnerTexts()).toEqual(["an owl …", "an owl …"]);
    expect(await chart(page, "Loss").getByRole("img").getAttribute("aria-label")).toBe(
      "Loss by step: training 2.1, held-out rows 2.5",
    );
    await page.getByLabel("Where it looks").check();
    expect(await page.getByRole("img", { name: /^where it looked/ }).count()).toBe(2);
    expect(await inaccessible(page)).toEqual([]);

    // Killed at step 10, gone on from step 8.
    await appendFile(log("owls"), lines([start(8), step(9, 1.5), samples(9, "an owl")]));
    await chart(page, "Loss").getByText("training 1.5").waitFor();
    await expect.poll(() => answersTo(page, "what is this?").allInnerTexts()).toEqual(["a thing", "an owl"]);
    await page.getByRole("slider", { name: "Step" }).press("Home");
    await page.getByRole("slider", { name: "Step" }).press("ArrowRight");
    await chart(page, "Loss").getByText("training 3").waitFor();
    expect(await answersTo(page, "what is this?").allInnerTexts()).toEqual(["a thing"]);

    await appendFile(log("owls"), lines([step(40, 0.5), { kind: "end", step: 40, complete: true }]));
    await page.getByText("finished").waitFor();
    await chart(page, "Loss").getByText("training 3").waitFor();
    await page.getByRole("slider", { name: "Step" }).press("End");
    await chart(page, "Loss").getByText("training 0.5").waitFor();
    await chart(page, "Learning rate")
      .locator(".u-over")
      .hover({ position: { x: 1, y: 50 } });
    await chart(page, "Loss").getByText("training 3").waitFor();
    await page.getByRole("heading", { name: "Training" }).hover();
    await chart(page, "Loss").getByText("training 0.5").waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it("shows runs side by side, in the dark and on a narrow window too", async () => {
    await writeFile(log("other"), lines([start(0), samples(0, "a thing"), step(1, 4), samples(1, "a cat")]));
    const options = { colorScheme: "dark", viewport: { width: 360, height: 640 } } as const;
    const { page, faults, close } = await openPage(browser, url, options, "Sample answers");
    await chart(page, "Loss").getByText("other, training 4").waitFor();
    await chart(page, "Loss").getByText("owls, training 0.5").waitFor();
    expect(await answersTo(page, "what is this?").allInnerTexts()).toEqual(["a thing", "a cat", "an owl"]);
    expect(await inaccessible(page)).toEqual([]);
    expect(await sideways(page)).toEqual([]);
    await page.getByRole("checkbox", { name: "other" }).uncheck();
    await chart(page, "Loss").getByText("other").waitFor({ state: "detached" });
    await chart(page, "Loss").getByText("training 0.5").waitFor();
    await appendFile(log("owls"), "no json\n");
    await page.getByRole("alert").getByText("must hold a JSON object a line").waitFor();
    await socket.close(0);
    await page.getByRole("status").getByText("There is no answer any more").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });
});
