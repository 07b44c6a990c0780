import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonlSource } from "./jsonl.ts";

describe("jsonlSource", () => {
  let directory: string;
  const write = async (name: string, lines: readonly unknown[]): Promise<string> => {
    const path = join(directory, name);
    await writeFile(
      path,
      lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
    );
    return path;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "owl-jsonl-"));
    const background = { r: 200, g: 10, b: 30 };
    await sharp({ create: { width: 3, height: 2, channels: 3, background } })
      .png()
      .toFile(join(directory, "a.png"));
    await writeFile(join(directory, "broken.png"), "no picture");
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("reads rows of mPLUG-Owl's format, pictures relative to the file", async () => {
    const path = await write("good.jsonl", [
      { text: "Human: hi\nAI: hello", task_type: "gpt4instruct_sft" },
      "",
      { image: ["a.png"], text: "Human: <image>\nHuman: what?\nAI: red", task_type: "llava_sft", id: 7 },
    ]);
    const source = await jsonlSource(path);
    expect(source.length).toBe(2);
    expect(await source.example(0)).toEqual({ text: "Human: hi\nAI: hello", images: [] });
    const { images } = await source.example(1);
    expect([images[0].width, images[0].height, ...images[0].data.slice(0, 3)]).toEqual([3, 2, 200, 10, 30]);
    expect(source.nameOf?.(1)).toBe(`${path}:3`);
    expect((await source.example(1)).images[0]).toBe(images[0]);
  });

  it("names every bad line at once", async () => {
    const path = await write("bad.jsonl", [
      "{not json",
      [1],
      { text: "" },
      { text: "Human: <image>\nAI: a", image: ["missing.png"] },
      { text: "Human: hi\nAI: a", image: ["a.png"] },
      { text: "x", image: "a.png" },
      { text: "Human: <|video|>\nAI: a", video: ["a.mp4"] },
      { text: "Human: hi\nAI: fine" },
    ]);
    const error = await jsonlSource(path).catch((reason: Error) => reason.message);
    expect(String(error).split("\n")).toEqual([
      expect.stringContaining("bad.jsonl: must hold one training row a line, got 8 problems:"),
      expect.stringContaining("line 1: must be JSON"),
      expect.stringContaining("line 2: must be a JSON object"),
      expect.stringContaining('line 3: "text" must be a text'),
      expect.stringContaining("missing.png: no such file"),
      expect.stringContaining("line 5: needs one <image> mark a picture, got 0 for 1"),
      expect.stringContaining('line 6: "image" must be a list'),
      expect.stringContaining('line 7: "video" needs a model of the video version'),
      expect.stringContaining("a.mp4: no such file"),
      "Correct or remove these lines.",
    ]);
  });

  it("reads videos as so many frames of one size", async () => {
    const [width, height] = [4, 2];
    const frames = Buffer.from(Uint8Array.from({ length: 8 * 24 }, (_, i) => 20 * Math.floor(i / 24)));
    const raw = { width, height: 8 * height, channels: 3 as const, pageHeight: height };
    await sharp(frames, { raw })
      .gif({ delay: new Array(8).fill(100) })
      .toFile(join(directory, "v.gif"));
    const path = await write("video.jsonl", [
      { text: "Human: <|video|>\nHuman: <image>\nAI: a", video: ["v.gif"], image: ["a.png"] },
      { text: "Human: hi\nAI: a" },
    ]);
    const source = await jsonlSource(path, { videos: { frames: 3, size: 5 } });
    expect([source.hasVideo(0), source.hasVideo(1)]).toEqual([true, false]);
    const { videos = [], images } = await source.example(0);
    expect(images).toHaveLength(1);
    expect(videos[0].map(({ width, height, data }) => [width, height, data[0]])).toEqual([
      [5, 5, 20],
      [5, 5, 60],
      [5, 5, 120],
    ]);
    expect((await source.example(0)).videos?.[0]).toBe(videos[0]);
    const wrong = await write("wrong-video.jsonl", [
      { text: "Human: <|video|>\nAI: a" },
      { text: "Human: hi\nAI: a", video: "v.gif" },
    ]);
    await expect(jsonlSource(wrong, { videos: { frames: 3, size: 5 } })).rejects.toThrow(
      /line 1: needs one <\|video\|> mark a video, got 1 for 0\n.*line 2: "video" must be a list/,
    );
  });

  it("holds captions and plain text to their own form", async () => {
    const caption = await write("caption.jsonl", [
      { text: "a red thing", image: ["a.png"] },
      { text: "none" },
    ]);
    await expect(jsonlSource(caption, { content: "caption" })).rejects.toThrow(
      /line 2: a caption has one picture/,
    );
    const text = await write("text.jsonl", [{ text: "words" }, { text: "more", image: ["a.png"] }]);
    await expect(jsonlSource(text, { content: "text" })).rejects.toThrow(
      /line 2: plain text has no pictures, got 1/,
    );
    await expect(jsonlSource(await write("empty.jsonl", []))).rejects.toThrow(/the file has no rows/);
  });

  it("names file and line of a picture that cannot be decoded", async () => {
    const path = await write("undecodable.jsonl", [{ text: "Human: <image>\nAI: a", image: ["broken.png"] }]);
    const source = await jsonlSource(path);
    await expect(source.example(0)).rejects.toThrow(/undecodable.jsonl:1: .*broken.png/);
  });
});
