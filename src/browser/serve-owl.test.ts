// The worker's side of a page, without a browser: messages in and out.
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { Owl } from "../owl/index.ts";
import type { PageAnswer, PageMessage, WorkerRequest, WorkerResponse } from "./messages.ts";
import { serveOwl } from "./serve-owl.ts";

const model = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));

type Ask = (request: WorkerRequest) => Promise<WorkerResponse>;

/** A worker that has loaded a model, and is asked one thing after the other. */
async function workerWith(model: string): Promise<Ask> {
  let listener: (event: { data: unknown }) => void = () => undefined;
  const waiting: ((said: WorkerResponse) => void)[] = [];
  serveOwl({
    postMessage: (message) => {
      const said = message as WorkerResponse;
      if (said.type !== "text" && said.type !== "transfer") waiting.shift()?.(said);
    },
    addEventListener: (_, own) => {
      listener = own;
    },
  });
  const ask: Ask = (data) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      listener({ data });
    });
  const options = { device: "cpu", threads: 1, framesPerVideo: undefined } as const;
  expect(await ask({ type: "load", model, ...options })).toMatchObject({ type: "ready" });
  return ask;
}

const settings = { maxNewTokens: 4 };

async function answerTo(ask: Ask, messages: readonly PageMessage[]): Promise<PageAnswer> {
  const said = await ask({ type: "chat", id: 1, messages, settings });
  expect(said).toMatchObject({ type: "answer", id: 1 });
  return (said as WorkerResponse & { type: "answer" }).answer;
}

test("a conversation that no longer fits goes on in a worker, and its length is that of what was kept", async () => {
  const ask = await workerWith(model);
  const messages: PageMessage[] = Array.from({ length: 120 }, (_, i): PageMessage[] => [
    { role: "user", content: `what do ${i} cats eat?` },
    { role: "assistant", content: "mice." },
  ]).flat();
  messages.push({ role: "user", content: "and owls?" });
  const answer = await answerTo(ask, messages);
  expect(answer.notes?.[0]).toContain("oldest turns were left out");
  expect(answer.promptTokens).toBeGreaterThan(900);
  expect(answer.promptTokens).toBeLessThanOrEqual(1024 + 1 - 4);
  const refused = await ask({
    type: "chat",
    id: 2,
    messages,
    settings: { ...settings, truncation: "disabled" },
  });
  expect(refused).toMatchObject({ type: "failed", id: 2, name: "ContextLengthError" });
});

/** A conversation about a picture or a video. */
const about = (part: Exclude<PageMessage["content"], string>[number]): PageMessage[] => [
  { role: "user", content: [part, { type: "text", text: "what is this?" }] },
];

test.skipIf(!sharedAvailable)(
  "mPLUG-Owl3 sees one frame of each second of a video, as elsewhere",
  async () => {
    const directory = shared("golden/tiny-owl3/241014");
    const [width, frames] = [8, 9];
    const raw = { width, height: width * frames, channels: 3 as const, pageHeight: width };
    const data = Uint8Array.from(
      { length: 3 * width ** 2 * frames },
      (_, i) => 25 * Math.floor(i / (3 * width ** 2)),
    );
    const gif = await sharp(data, { raw })
      .gif({ delay: new Array(frames).fill(1000) })
      .toBuffer();
    const messages = about({ type: "video", video: new Blob([new Uint8Array(gif)]) });
    const owl = await Owl.load(directory, { threads: 1, onWarning: () => undefined });
    const { ids, pictures } = await owl.prompt(messages);
    await owl.close();
    expect(pictures).toHaveLength(frames);
    expect((await answerTo(await workerWith(directory), messages)).promptTokens).toBe(ids.length);
  },
);

describe.skipIf(!sharedAvailable)("a model that cuts pictures by their shape", () => {
  const picture = { width: 1000, height: 700, data: new Uint8Array(3 * 1000 * 700).fill(90) };

  test.each([
    "tiny-owl3/241014",
    "tiny-ureader",
  ])("%s: an answer tells the positions that it was made on", async (name) => {
    const directory = shared(`golden/${name}`);
    const owl = await Owl.load(directory, { threads: 1, onWarning: () => undefined });
    const messages = about({ type: "image", image: picture });
    const positions = (await owl.prompt(messages)).ids.length;
    const small = about({ type: "image", image: { width: 1, height: 1, data: new Uint8Array(3) } });
    expect(positions).toBeGreaterThan((await owl.prompt(small)).ids.length);
    await owl.close();
    expect((await answerTo(await workerWith(directory), messages)).promptTokens).toBe(positions);
  });
});
