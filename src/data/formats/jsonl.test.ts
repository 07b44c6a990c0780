import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Row } from "../row.ts";
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

  it("finds a picture whose name is composed otherwise on the disk", async () => {
    const nfd = "Größe.png".normalize("NFD");
    await copyFile(join(directory, "a.png"), join(directory, nfd));
    const path = await write("composed.jsonl", [
      { image: ["Größe.png"], text: "Human: <image>\nHuman: what?\nAI: red" },
    ]);
    const { images } = await (await jsonlSource(path)).example(0);
    expect(images[0].width).toBe(3);
    await rm(join(directory, nfd));
    const near = await write("near.jsonl", [
      { image: ["brokne.png"], text: "Human: <image>\nHuman: a\nAI: b" },
    ]);
    await expect(jsonlSource(near)).rejects.toThrow(/brokne\.png: no such file; did you mean broken\.png\?/);
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
    expect(source.media).toEqual({ pictures: 1, videos: 1, files: 2 });
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
    const said = await write("said.jsonl", [{ text: "Human: what?\nAI: a red thing", image: ["a.png"] }]);
    await expect(jsonlSource(said, { content: "caption" })).rejects.toThrow(/line 1: .* got a conversation/);
    const text = await write("text.jsonl", [{ text: "words" }, { text: "more", image: ["a.png"] }]);
    await expect(jsonlSource(text, { content: "text" })).rejects.toThrow(
      /line 2: plain text has no pictures, got 1/,
    );
    await expect(jsonlSource(await write("empty.jsonl", []))).rejects.toThrow(/the file has no rows/);
  });

  it("looks at the beginning of every picture before any row is asked for, each once, and names all that are none", async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 3 * 400 * 400 }, (_, i) => (i * 7919) % 251));
    const whole = await sharp(noise, { raw: { width: 400, height: 400, channels: 3 } })
      .jpeg()
      .toBuffer();
    await writeFile(join(directory, "cut.jpg"), whole.subarray(0, whole.length / 2));
    await writeFile(join(directory, "headless.jpg"), whole.subarray(0, 10));
    const huge = '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"/>';
    await writeFile(join(directory, "huge.svg"), huge);
    await writeFile(join(directory, "empty.png"), "");
    const names = ["broken.png", "a.png", "headless.jpg", "huge.svg", "empty.png", "broken.png", "cut.jpg"];
    const rows = names.map((name) => ({ text: "Human: <image>\nAI: a", image: [name] }));
    const path = await write("pictures.jsonl", rows);
    const calls: [number, number][] = [];
    const onFile = (...call: [number, number]): number => calls.push(call);
    const error = String(await jsonlSource(path, { onFile }).catch(String));
    expect(error.split("\n")).toEqual([
      expect.stringContaining("got 5 problems"),
      expect.stringMatching(/line 1: picture .*broken.png: must be a picture .* got a text file/),
      expect.stringMatching(/line 3: picture .*headless.jpg: must be a whole JPEG/),
      expect.stringMatching(/line 4: picture .*huge.svg: must have at most 64 million pixels, got 9000×9000/),
      expect.stringMatching(/line 5: picture .*empty.png: .*an empty file/),
      expect.stringMatching(/line 6: picture .*broken.png/),
      "Correct or remove these lines.",
    ]);
    expect(calls.at(-1)).toEqual([6, 6]);
  });

  it("decodes pictures before any row is asked for where that is wanted; else the row is named when it comes", async () => {
    const path = await write("cut.jsonl", [{ text: "Human: <image>\nAI: a", image: ["cut.jpg"] }]);
    await expect((await jsonlSource(path)).example(0)).rejects.toThrow(
      /cut.jsonl:1: .*cut.jpg: must be a whole/,
    );
    await expect(jsonlSource(path, { pictures: "whole" })).rejects.toThrow(
      /line 1: picture .*cut.jpg: must be a/,
    );
  });

  it("finds a picture whose name is composed otherwise on the disk, and tells the nearest of one that is not there", async () => {
    const name = "für-café.png";
    await copyFile(join(directory, "a.png"), join(directory, name.normalize("NFD")));
    const row = (image: string): object => ({ text: "Human: <image>\nAI: a", image: [image] });
    const source = await jsonlSource(await write("nfc.jsonl", [row(name.normalize("NFC"))]));
    expect((await source.example(0)).images[0].width).toBe(3);
    const missing = jsonlSource(await write("near.jsonl", [row("für-cafe.pgn")]));
    await expect(missing).rejects.toThrow(/line 1: picture .*: no such file; did you mean /);
  });

  it("reads headers that are longer than usual", async () => {
    const icc = Buffer.alloc(100_000, 7);
    const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    // Application segments of 64 KiB each in front of what tells the size.
    const segment = Buffer.concat([Buffer.from([0xff, 0xef, 0xff, 0xff]), icc.subarray(0, 0xffff - 2)]);
    const long = Buffer.concat([picture.subarray(0, 2), segment, segment, segment, picture.subarray(2)]);
    await writeFile(join(directory, "long.jpg"), long);
    const path = await write("long.jsonl", [{ text: "Human: <image>\nAI: a", image: ["long.jpg"] }]);
    expect((await (await jsonlSource(path)).example(0)).images[0].width).toBe(8);
  });

  it("takes so many rows, and tells the text's problems with all others", async () => {
    const path = await write("some.jsonl", [{ text: "good" }, { text: "bad" }, "{no json"]);
    const textProblems = ({ text }: Pick<Row, "text">): string[] => (text === "bad" ? ["a bad text"] : []);
    expect((await jsonlSource(path, { rows: 1, textProblems })).length).toBe(1);
    await expect(jsonlSource(path, { textProblems })).rejects.toThrow(
      /line 2: a bad text\n {2}line 3: must be JSON/,
    );
  });

  it("tells by its fingerprint whether rows or pictures were changed", async () => {
    const row = (answer: string): object => ({ text: `Human: <image>\nAI: ${answer}`, image: ["a.png"] });
    const first = (await jsonlSource(await write("one.jsonl", [row("red"), row("dark")]))).fingerprint;
    const same = (await jsonlSource(await write("two.jsonl", [row("red"), "", row("dark")]))).fingerprint;
    expect(same).toEqual(first);
    const edited = (await jsonlSource(await write("three.jsonl", [row("red"), row("Dark")]))).fingerprint;
    expect(edited.rows).not.toBe(first.rows);
    expect(edited.files).toBe(first.files);
    const turned = (await jsonlSource(await write("four.jsonl", [row("dark"), row("red")]))).fingerprint;
    expect(turned.rows).not.toBe(first.rows);
  });
});

describe("what files of rows are like", () => {
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../../../tests/fixtures/strangers/${name}`, import.meta.url));
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "owl-rows-"));
  });
  afterAll(() => rm(directory, { recursive: true }));
  const open = async (content: string | Uint8Array): ReturnType<typeof jsonlSource> => {
    await writeFile(join(directory, "rows.jsonl"), content);
    return jsonlSource(join(directory, "rows.jsonl"));
  };
  const problem = (content: string | Uint8Array): Promise<string> =>
    open(content).then(
      () => "none",
      (error: Error) => error.message,
    );

  it("may begin with a byte order mark, and lines may end as on any system", async () => {
    const source = await jsonlSource(fixture("bom.jsonl"));
    expect([await source.textOf(0), await source.textOf(1)]).toEqual([
      "Human: hi\nAI: hello",
      "Human: bye\nAI: good bye",
    ]);
    for (const end of ["\r\n", "\r", "\n\n"]) {
      const rows = await open(`{"text":"a"}${end}{"text":"b"}${end}`);
      expect([rows.length, await rows.textOf(1)]).toEqual([2, "b"]);
    }
    const numbered = await problem('\ufeff{"text":"a"}\r\n\r\n{"text":1}\r\n');
    expect(numbered).toContain("line 3:");
  });

  it("in another encoding are named by line and byte, and nothing becomes U+FFFD", async () => {
    const latin1 = Buffer.from('{"text":"a"}\n{"text":"caf\xe9 au lait"}\n{"text":"\xfcber"}', "latin1");
    expect(await problem(latin1)).toMatch(
      /got 2 problems:\n {2}line 2: must be UTF-8, got byte 0xE9 behind "\{.*caf" \("é" in Latin-1\?\).*\n {2}line 3: /,
    );
    expect(await problem(Buffer.from('{"text":"a"}\n{"text":"b\xe2\x82', "latin1"))).toMatch(
      /line 2: must be UTF-8/,
    );
    expect(await problem('{"text":"caf\ufffd"}')).toMatch(/line 1: the text has U\+FFFD behind "caf"/);
    expect(await problem('{"text":"caf\\ufffd"}')).toMatch(/line 1: the text has U\+FFFD/);
    expect(await problem('{"text":"a\\u0000"}')).toMatch(/line 1: the text has U\+0000/);
    expect(await problem('{"text":"a\\ud83d"}')).toMatch(/line 1: the text has half a character \(\\ud83d\)/);
    expect(await (await open('{"text":"\\ud83e\\udd89"}')).textOf(0)).toBe("🦉");
  });

  it("that are something else are told what", async () => {
    expect(await problem(Buffer.from('\ufeff{"text":"a"}', "utf16le"))).toMatch(/got text in UTF-16/);
    expect(await problem(Buffer.from('{"text":"a"}', "utf16le"))).toMatch(/got text in UTF-16/);
    expect(await problem(gzipSync('{"text":"a"}'))).toMatch(/got a file compressed by gzip. Unpack it first/);
    expect(await problem('[{"text":"a"},{"text":"b"}]')).toMatch(
      /got one JSON array; write each of its objects/,
    );
    expect(await problem('[\n  {"text":"a"},\n  {"text":"b"}\n]\n')).toMatch(/got one JSON array/);
    expect(await problem('{\n  "text": "a"\n}\n')).toMatch(/got one JSON object over several lines/);
    expect(await problem('{"text":"a"},\n{"text":"b"}')).toMatch(
      /line 1: must be JSON, got a comma behind the object/,
    );
    expect(await problem('{"text":"a",}')).toMatch(/line 1: must be JSON/);
    expect(await problem('{"text":"  \\n "}')).toMatch(/"text" must be a text that is not empty/);
    const many = await problem(`{"text":1}\n`.repeat(5000));
    expect(many).toMatch(/got 5000 problems/);
    expect(many).toMatch(/and 4980 more/);
    expect(many.length).toBeLessThan(3000);
  });

  it("with other keys: the one that was meant is named", async () => {
    const near = async (row: object): Promise<string> => problem(JSON.stringify(row));
    for (const key of ["txt", "Text", "conversation", "conversations", "messages"]) {
      expect(await near({ [key]: "Human: hi\nAI: a" })).toContain(`got "${key}" in its place`);
    }
    for (const key of ["images", "img", "Image", "picture", "image_path"]) {
      expect(await near({ text: "Human: hi\nAI: a", [key]: ["a.png"] })).toContain(
        `"image" names the files, got "${key}" in its place`,
      );
    }
    expect(await near({ answer: "x" })).toContain('got only "answer"');
    const fine = {
      text: "Human: hi\nAI: a",
      id: 1,
      task_type: "x",
      image_id: 3,
      source: "y",
      next: 1,
      images: null,
    };
    expect(await near(fine)).toBe("none");
    expect(await near({ text: "Human: <image>\nAI: a", image: ["https://x.example/a.png"] })).toMatch(
      /got an address/,
    );
  });

  it("with other marks of pictures: they are named, but inside a sentence they are text", async () => {
    const row = async (text: string, image?: string[]): Promise<string> =>
      problem(JSON.stringify({ text, image }));
    for (const mark of [
      "<img>",
      "<Image>",
      "<image-placeholder>",
      "<image_1>",
      "<|image|>",
      "[IMG]",
      "<images>",
    ]) {
      expect(await row(`Human: ${mark}\nHuman: what?\nAI: a`)).toContain(`found ${mark} in the text`);
      expect(await row(`Human: ${mark} what?\nAI: a`, ["a.png"])).toContain(
        `needs one <image> mark a picture, got 0 for 1; found ${mark} in the text`,
      );
    }
    expect(await row("Human: how does an <img> tag work?\nAI: write <img> and a source.")).toBe("none");
    expect(await row("Human: <image>\nAI: a")).toContain("got 1 for 0");
  });
});
