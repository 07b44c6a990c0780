import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { ChatMessage } from "./chat.ts";
import { Owl } from "./owl.ts";
import type { ImageSource } from "./read-media.ts";

const settings = { maxNewTokens: 6, eosTokenIds: [], doSample: false };
const options = { threads: 1, framesPerVideo: 2 };
let fixture: Awaited<ReturnType<typeof owlFixture>>;
let owl: Owl;

beforeAll(async () => {
  fixture = await owlFixture();
  owl = await Owl.load(fixture.directory, options);
});
afterAll(async () => {
  await owl.close();
  fixture.remove();
});

async function jpegOf(background: string): Promise<Buffer<ArrayBuffer>> {
  const create = { width: 60, height: 40, channels: 3, background } as const;
  return Buffer.from(await sharp({ create }).jpeg().toBuffer());
}

const shows = (image: ImageSource): ChatMessage => ({
  role: "user",
  content: [
    { type: "image", image },
    { type: "text", text: "what is this?" },
  ],
});

/** How many pictures or frames sharp decodes meanwhile: it tells when one begins and when one is done. */
async function decodesOf(work: () => Promise<unknown>): Promise<number> {
  let events = 0;
  const count = (): number => events++;
  sharp.queue.on("change", count);
  try {
    await work();
  } finally {
    sharp.queue.off("change", count);
  }
  return events / 2;
}

test("the pictures of earlier turns are not decoded again, and the answers are those of an owl that never saw them", async () => {
  const path = join(fixture.directory, "first.jpg");
  writeFileSync(path, await jpegOf("#c33"));
  const [second, third] = [await jpegOf("#3c3"), await jpegOf("#33c")];
  const shown: (() => ImageSource)[] = [
    () => path,
    () => new Uint8Array(second),
    () => `data:image/jpeg;base64,${third.toString("base64")}`,
  ];
  const messages: ChatMessage[] = [];
  const decodes: number[] = [];
  for (const source of [...shown, undefined]) {
    messages.push(source === undefined ? { role: "user", content: "and now?" } : shows(source()));
    let text = "";
    decodes.push(
      await decodesOf(async () => {
        text = await owl.chat(messages, settings).text();
      }),
    );
    await using stranger = await Owl.load(fixture.directory, options);
    expect(text).toBe(await stranger.chat(messages, settings).text());
    messages.push({ role: "assistant", content: text });
  }
  expect(decodes).toEqual([1, 1, 1, 0]);
});

test("a file of a known path whose content has changed is another picture", async () => {
  const path = join(fixture.directory, "changing.jpg");
  const keys: string[] = [];
  for (const colour of ["#000", "#fff", "#000"]) {
    writeFileSync(path, await jpegOf(colour));
    keys.push((await owl.prompt(shows(path))).pictures[0].key);
  }
  expect(keys[0]).not.toBe(keys[1]);
  expect(keys[2]).toBe(keys[0]);
});

test("limits hold for known pictures, damaged ones are told each time, and changed pixels are the caller's own", async () => {
  const bytes = await jpegOf("#808");
  const { pictures } = await owl.prompt(shows(bytes));
  const before = pictures[0].pixels.slice();
  pictures[0].pixels.fill(0);
  expect((await owl.prompt(shows(bytes))).pictures[0].pixels).toEqual(before);
  await expect(owl.prompt(shows(bytes), { maxPixels: 100 })).rejects.toThrow(/at most .* got 60×40/);
  const path = join(fixture.directory, "cut.jpg");
  writeFileSync(path, bytes.subarray(0, -100));
  for (let turn = 0; turn < 2; turn++) {
    await expect(owl.prompt(shows(path))).rejects.toThrow(/cut\.jpg: must be a whole JPEG file/);
  }
});

test("a video's frames are decoded once", async () => {
  const frames = await Promise.all(["#f00", "#0f0", "#00f", "#fff"].map(jpegOf));
  const gif = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  const message: ChatMessage = { role: "user", content: [{ type: "video", video: gif }] };
  expect(await decodesOf(() => owl.prompt(message))).toBe(2);
  expect(await decodesOf(() => owl.prompt(message))).toBe(0);
});
