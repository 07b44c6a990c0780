import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { PromptError } from "../prompt/index.ts";
import { Owl } from "./owl.ts";
import type { ImageSource, VideoSource } from "./read-media.ts";

let owl: Owl;
let fixture: Awaited<ReturnType<typeof owlFixture>>;
let web: Server;
let address: string;
let png: Buffer<ArrayBuffer>;
let rgba: Uint8ClampedArray;
const [width, height] = [12, 8];

beforeAll(async () => {
  fixture = await owlFixture();
  owl = await Owl.load(fixture.directory, { threads: 1, framesPerVideo: 2 });
  const created = { width, height, channels: 4, background: { r: 200, g: 40, b: 90, alpha: 0.5 } } as const;
  png = Buffer.from(await sharp({ create: created }).png().toBuffer());
  rgba = new Uint8ClampedArray(await sharp(png).raw().toBuffer());
  writeFileSync(join(fixture.directory, "a b.png"), png);
  web = createServer((request, response) => {
    if (request.url === "/a.png") response.end(png);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(web, "listening");
  address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});
afterAll(async () => {
  web.close();
  await owl.close();
  fixture.remove();
});

const keyOf = async (image: ImageSource): Promise<string> =>
  (await owl.prompt({ role: "user", content: [{ type: "image", image }] })).pictures[0].key;
const untyped = (value: unknown): ImageSource => value as ImageSource;

function shared(bytes: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  return memory;
}

test("a picture is the same picture in whatever form it comes", async () => {
  const path = join(fixture.directory, "a b.png");
  const padded = new Uint8Array(png.length + 3);
  padded.set(png, 3);
  const base64 = png.toString("base64");
  const forms: [name: string, source: ImageSource][] = [
    ["a URL", pathToFileURL(path)],
    ["a file: text", pathToFileURL(path).href],
    ["an http: text", `${address}/a.png`],
    ["an http: URL", new URL(`${address}/a.png`)],
    ["a data: text", `data:image/png;base64,${base64}`],
    ["a data: text without a type", `data:;base64,${base64}`],
    ["a data: text with line breaks", `data:image/png;base64,${base64.replace(/.{76}/g, "$&\r\n")}`],
    ["a percent-encoded data: text", `data:image/png;base64,${encodeURIComponent(base64)}`],
    ["a data: text without padding", `data:image/png;base64,${base64.replaceAll("=", "")}`],
    ["a data: text of bytes", `data:image/png,${png.toString("hex").replace(/../g, "%$&")}`],
    ["DATA: in capitals", `DATA:image/png;base64,${base64}`],
    ["a data: text behind blanks", ` \ndata:image/png;base64,${base64}`],
    ["an http: text behind blanks", ` ${address}/a.png`],
    ["a data: URL", new URL(`data:image/png;base64,${base64}`)],
    ["a Blob", new Blob([png])],
    ["a File", new File([png], "photo.jpg", { type: "image/jpeg" })],
    ["a Buffer", png],
    ["an ArrayBuffer", new Uint8Array(png).buffer],
    ["shared memory", shared(png)],
    ["a view of shared memory", new Uint8Array(shared(png))],
    ["a view into more", padded.subarray(3)],
    ["a DataView", new DataView(padded.buffer, 3)],
    ["RGBA of a canvas", { width, height, data: rgba }],
  ];
  const expected = await keyOf(path);
  for (const [name, source] of forms) expect([name, await keyOf(source)]).toEqual([name, expected]);
});

test("a video comes in the same forms", async () => {
  const coloured = (background: string): Promise<Buffer> =>
    sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
  const frames = await Promise.all(["#f00", "#0f0", "#00f", "#fff"].map(coloured));
  const gif = Buffer.from(
    await sharp(frames, { join: { animated: true } })
      .gif({ loop: 0 })
      .toBuffer(),
  );
  const path = join(fixture.directory, "clip.gif");
  writeFileSync(path, gif);
  const keysOf = async (video: VideoSource): Promise<string[]> =>
    (await owl.prompt({ role: "user", content: [{ type: "video", video }] })).pictures.map(({ key }) => key);
  const expected = await keysOf(path);
  expect(new Set(expected).size).toBe(2);
  const base64 = `data:image/gif;base64,${gif.toString("base64")}`;
  for (const video of [
    new Blob([gif]),
    base64,
    new Uint8Array(gif).buffer,
    pathToFileURL(path).href,
    shared(gif),
  ]) {
    expect(await keysOf(video)).toEqual(expected);
  }
});

test("what is wrong with a data: URL is told", async () => {
  await expect(keyOf("data:image/png;base64,ab!c")).rejects.toThrow(
    'data: URL: must hold base64, got the letter "!"',
  );
  await expect(keyOf(`data:image/png;base64${"A".repeat(5000)}`)).rejects.toThrow(/^data: URL: .{1,120}$/);
});

describe("what is no picture", () => {
  const taken =
    /^PromptError: messages: picture must be a path, a URL \(file:, http:, https:, data:\), a Blob or File, the bytes/;
  test.each<[source: unknown, got: string]>([
    [7, "got 7"],
    [null, "got null"],
    ["", "got an empty text"],
    [Promise.resolve(new Uint8Array()), "got a Promise; await it"],
    [new Response("x"), "got a Response; give await response.blob()"],
    [{ src: "a.png", width: 4, height: 4 }, "got an object without data; draw it to a canvas"],
    [{ path: "a.png" }, "got an object"],
    [["a.png"], "got a list of 1"],
    [
      { width: 4, height: 4, data: new Uint8Array(12) },
      "got 12 bytes of data for 4 × 4 pixels (RGB has 3 bytes",
    ],
    [{ width: 0, height: 0, data: new Uint8Array(0) }, "got 0 bytes of data for 0 × 0 pixels"],
    [{ width: 1, height: 1, data: [1, 2, 3] }, "got a list of 3 of data for 1 × 1 pixels"],
    ["ftp://host/a.png", "got the address ftp://host/a.png"],
    [
      "iVBORw0K".repeat(10_000),
      "got a text of 80,000 characters (base64 needs data:image/png;base64, in front)",
    ],
  ])("%s", async (source, got) => {
    const error = await keyOf(untyped(source)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PromptError);
    expect(String(error)).toMatch(taken);
    expect(String(error)).toContain(got);
    await expect(owl.attention(untyped(source))).rejects.toThrow(got);
  });

  test("all of them are named at once", async () => {
    const image = (source: unknown) => ({ type: "image" as const, image: untyped(source) });
    const video = { type: "video" as const, video: [{ width: 2, height: 2, data: new Uint8Array(1) }] };
    const content = [image(png), image(5), video, image({})];
    await expect(owl.prompt({ role: "user", content })).rejects.toThrow(
      /picture 2 must be .* got 5; picture 3 must be .* got an object; video must have decoded frames .* got 1 bytes of/,
    );
  });

  test("errors of files that cannot be had stay short", async () => {
    const long = "x".repeat(100_000);
    const sources = [
      `data:image/png;base64,${btoa(long)}`,
      `data:${long}`,
      `${address}/${long}`,
      new URL(`${address}/${long}`),
    ];
    for (const source of [...sources, "x".repeat(4000), "/".repeat(4000), new Blob([long])]) {
      const error = await keyOf(source).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(String(error).length).toBeLessThan(500);
    }
    await expect(keyOf("http://127.0.0.1:1/a.png")).rejects.toThrow(
      /must be a file that can be fetched, got fetch failed/,
    );
    await expect(keyOf(`${address}/gone.png`)).rejects.toThrow(/gone\.png: .*got status 404/);
  });
});
