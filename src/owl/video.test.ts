import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { ffmpeg, greyFilm, skipFfmpeg } from "../../tests/setup/ffmpeg.ts";
import { greyFrames, videoFixture } from "../../tests/video-fixture.ts";
import {
  CLIP_PREPROCESSOR,
  decodeVideo,
  resizeAndCenterCrop,
  toPixelValues,
  toVideoPixelValues,
} from "../image/index.ts";
import { probeModel } from "../inspection/index.ts";
import { tokensPerImage } from "../model/index.ts";
import { float32, type HostTensor, int64 } from "../tensor/index.ts";
import type { ChatMessage } from "./chat.ts";
import { Owl } from "./owl.ts";

const settings = { maxNewTokens: 8, eosTokenIds: [] };
const clip = greyFrames([0, 60, 120, 180]);
const film = (video: typeof clip) => ({ type: "video", video }) as const;
const says = (text: string) => ({ type: "text", text }) as const;
const user = (...content: Exclude<ChatMessage["content"], string>): ChatMessage[] => [
  { role: "user", content },
];

/** Thirteen frames, each ten levels lighter than the one before. */
async function writeGif(path: string): Promise<void> {
  const [width, height, frames] = [10, 6, 13];
  const size = width * height * 3;
  const data = Buffer.from(Uint8Array.from({ length: size * frames }, (_, i) => 10 * Math.floor(i / size)));
  const raw = { width, height: height * frames, channels: 3 as const, pageHeight: height };
  const gif = sharp(data, { raw }).gif({ delay: new Array(frames).fill(100) });
  writeFileSync(path, await gif.toBuffer());
}

describe("a model of the video version", () => {
  let owl: Owl;
  let fixture: Awaited<ReturnType<typeof videoFixture>>;
  beforeAll(async () => {
    fixture = await videoFixture();
    owl = await Owl.load(fixture.directory, { threads: 1 });
  });
  afterAll(async () => {
    await owl.close();
    fixture.remove();
  });

  test("is known by its weights; a video has one picture's positions and keeps its place", async () => {
    expect(owl.config.video).toBe(true);
    const picture = { type: "image", image: greyFrames([90])[0] } as const;
    const { ids, pictures, notes } = await owl.prompt(user(film(clip), picture, says("same?")));
    const perMedium = tokensPerImage(owl.config);
    const runs = new Array(perMedium).fill(-2).concat(new Array(perMedium).fill(-1));
    expect(ids.filter((id) => id < 0)).toEqual(runs);
    expect(pictures.map(({ frames }) => frames)).toEqual([4, undefined]);
    expect(notes).toBeUndefined();
  });

  test("answers about videos, alone and in batches of unequal prompts, and from what it remembers", async () => {
    const other = greyFrames([200, 150, 100, 50]);
    const conversations = [
      user(film(clip), says("what is this?")),
      user(says("hello")),
      user(film(clip), film(other), says("which one is lighter in the end?")),
    ];
    const together = await owl.chatAll(conversations, settings);
    for (const [i, conversation] of conversations.entries()) {
      expect((await owl.chat(conversation, settings).answer()).ids).toEqual(together[i].ids);
    }
  });

  test("the order of the frames matters", async () => {
    const { imageSize } = owl.config.vision;
    const tokensOf = async (video: typeof clip): Promise<number[]> => {
      const { ids, pictures } = await owl.prompt(user(film(video), says("?")));
      const videoPixels = float32(pictures[0].pixels, [1, 3, 4, imageSize, imageSize]);
      return Array.from((await owl.forward({ ids: [ids], videoPixels })).videoTokens!.data, Number);
    };
    const [forwards, backwards] = [await tokensOf(clip), await tokensOf([...clip].reverse())];
    const farthest = Math.max(...forwards.map((value, i) => Math.abs(value - backwards[i])));
    expect(farthest).toBeGreaterThan(1e-3);
  });

  test("sees the frames of a file, and pictures cut in the middle", async () => {
    const path = join(fixture.directory, "grey.gif");
    await writeGif(path);
    const preprocessor = { ...CLIP_PREPROCESSOR, size: owl.config.vision.imageSize };
    const { pictures } = await owl.prompt(user({ type: "video", video: path }, says("?")));
    expect(pictures[0].pixels).toEqual(
      toVideoPixelValues(await decodeVideo(path, preprocessor), preprocessor),
    );

    const data = Uint8Array.from({ length: 40 * 20 * 3 }, (_, i) => i % 251);
    const image = { width: 40, height: 20, data };
    const prompt = await owl.prompt(user({ type: "image", image }, says("?")));
    expect(prompt.pictures[0].pixels).toEqual(
      toPixelValues(resizeAndCenterCrop(image, preprocessor.size), preprocessor),
    );
  });

  test("probe takes video_pixel_values, gives the videos' states, and gradients of what sees them", async () => {
    const { ids, pictures } = await owl.prompt(user(film(clip), says("what is this?")));
    const { imageSize } = owl.config.vision;
    const mask = ids.slice(1).map((_, t) => Number(t > ids.length - 6));
    const inputs = new Map<string, HostTensor>([
      ["x.input_ids", int64(ids, [1, ids.length])],
      ["x.video_pixel_values", float32(pictures[0].pixels, [1, 3, 4, imageSize, imageSize])],
      ["x.num_videos", int64([1], [1])],
      ["x.prompt_mask", int64(mask, [1, mask.length])],
    ]);
    const results = await probeModel(owl, inputs, {
      prefix: "x.",
      stage: "1",
      generate: { max_new_tokens: 8, eos: [] },
    });
    expect(results.get("video.vision.last_hidden_state")!.dims).toEqual([1, 4, 5, 12]);
    expect(results.get("video.abstractor.last_hidden_state")!.dims).toEqual([1, 4, 16]);
    expect(results.has("vision.last_hidden_state")).toBe(false);
    expect(results.get("grad.temporal_query_tokens")!.data.some((value) => Number(value) !== 0)).toBe(true);
    const made = Array.from(results.get("ids")!.data, Number);
    expect(made).toEqual((await owl.chat(user(film(clip), says("what is this?")), settings).answer()).ids);

    inputs.set("x.num_videos", int64([2], [1]));
    await expect(probeModel(owl, inputs, { prefix: "x." })).rejects.toThrow(
      /for each of its 2 videos, got 4/,
    );
    inputs.delete("x.num_videos");
    inputs.delete("x.video_pixel_values");
    await expect(probeModel(owl, inputs, { prefix: "x." })).rejects.toThrow(/must hold the 1 videos.*got 0/);
  });

  test("a prompt whose ids and media do not belong together is refused", async () => {
    const { ids, pictures } = await owl.prompt(user(film(clip), says("?")));
    const swapped = { ids: ids.map((id) => (id === -2 ? -1 : id)), pictures };
    await expect(owl.generate(swapped)).rejects.toThrow(/picture 1 is a video and has the id -2/);
    await expect(owl.prompt(user(film(clip.slice(1)), says("?")))).rejects.toThrow(/4 decoded frames.*got 3/);
  });
});

describe("a model of pictures alone", () => {
  let owl: Owl;
  let fixture: Awaited<ReturnType<typeof owlFixture>>;
  beforeAll(async () => {
    fixture = await owlFixture();
    owl = await Owl.load(fixture.directory, { threads: 1, framesPerVideo: 3 });
  });
  afterAll(async () => {
    await owl.close();
    fixture.remove();
  });
  const levels = [10, 100, 200];

  test("gets a video as numbered pictures, and the answer says so", async () => {
    const path = join(fixture.directory, "grey.gif");
    await writeGif(path);
    const reply = owl.chat(user({ type: "video", video: path }, says("what is this?")), settings);
    const { notes, ids } = await reply.answer();
    expect(notes).toEqual(["This model takes no videos: each was given to it as 3 numbered pictures."]);
    const [together] = await owl.chatAll(
      [user({ type: "video", video: path }, says("what is this?"))],
      settings,
    );
    expect(together).toMatchObject({ ids, notes });
  });

  test("the pictures are those of the frames, with their numbers in front", async () => {
    const frames = greyFrames(levels);
    const { ids, pictures } = await owl.prompt(user(film(frames), says("what is this?")));
    const picture = (i: number) => ({ type: "image", image: frames[i] }) as const;
    const byHand = await owl.prompt(
      user(...[0, 1, 2].flatMap((i) => [says(`Frame ${i + 1} of 3:`), picture(i)]), says("what is this?")),
    );
    expect(pictures.map(({ key }) => key)).toEqual(byHand.pictures.map(({ key }) => key));
    expect(ids).not.toContain(-2);
    expect(owl.tokenizer.decode(ids.filter((id) => id >= 0))).toMatch(/Frame 2 of 3: ?.*Frame 3 of 3:/s);
    expect((await owl.chat(user(says("hello")), settings).answer()).notes).toBeUndefined();
  });

  test.skipIf(skipFfmpeg)("a film from a file, decoded by ffmpeg", async () => {
    const path = join(fixture.directory, "film.mp4");
    ffmpeg(...greyFilm(12, 20), "-c:v", "libx264", path);
    const { pictures } = await owl.prompt(user({ type: "video", video: path }, says("what is this?")));
    const means = pictures.map(({ pixels }) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length);
    expect(means[0]).toBeLessThan(means[1]);
    expect(means[1]).toBeLessThan(means[2]);
  });

  test("a video in the ids is refused", async () => {
    const pixels = new Float32Array(3 * 3 * 56 * 56);
    const prompt = { ids: [1, ...new Array(9).fill(-2), 5], pictures: [{ key: "x", pixels, frames: 3 }] };
    await expect(owl.generate(prompt)).rejects.toThrow(/only a model of the video version takes/);
  });
});
