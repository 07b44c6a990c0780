import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ffmpeg, greyFilm, skipFfmpeg } from "../../tests/setup/ffmpeg.ts";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors } from "../checkpoint/index.ts";
import {
  CLIP_PREPROCESSOR,
  decodeImage,
  decodeVideo,
  loadPixelValues,
  normalisationTable,
  type RgbImage,
  resizeAndCenterCrop,
  sampleFrames,
  sampleSeconds,
  toPixelValues,
  toVideoPixelValues,
  VideoError,
} from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "video-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/image/${name}`, import.meta.url));

/** The frame numbers of a film of `greyFilm(…, 10)`: its greys in tens, where a whole frame has one grey. */
function numbersOf(frames: readonly RgbImage[]): number[] {
  return frames.map(({ data }) => {
    const [darkest, lightest] = [Math.min(...data), Math.max(...data)];
    expect(lightest - darkest).toBeLessThanOrEqual(3);
    expect(Math.abs(lightest - 10 * Math.round(lightest / 10))).toBeLessThanOrEqual(3);
    return Math.round(lightest / 10);
  });
}

describe("which frames are seen", () => {
  test("one of each of so many equal parts, halves rounded to the even number", () => {
    expect(sampleFrames(25, 4)).toEqual([3, 9, 15, 21]);
    expect(sampleFrames(2, 4)).toEqual([0, 0, 0, 1]);
    expect(sampleFrames(3, 4)).toEqual([0, 0, 1, 2]);
    expect(sampleFrames(1, 4)).toEqual([0, 0, 0, 0]);
  });

  test.skipIf(!sharedAvailable)("as the reference's get_index, for every length of its table", () => {
    const { get_index } = JSON.parse(readFileSync(shared("golden/tiny-video/tables.json"), "utf8"));
    expect(get_index.length).toBeGreaterThan(50);
    for (const { num_frames, num_segments, indices } of get_index) {
      expect(sampleFrames(num_frames, num_segments), `${num_frames} in ${num_segments}`).toEqual(indices);
    }
  });
});

test("one frame of each second, and of more than the most those in the middle of equal parts", () => {
  expect(sampleSeconds(95, 3.17, { most: 16 })).toEqual([0, 30, 60, 90]);
  expect(sampleSeconds(3, 30, { most: 16 })).toEqual([0, 1, 2]);
  const each = [3, 9, 15, 21, 28, 34, 40, 46, 53, 59, 65, 71, 78, 84, 90, 96];
  expect(sampleSeconds(2500, 100, { most: 16 })).toEqual(each.map((index) => 25 * index));
});

describe("animations, without ffmpeg", () => {
  const frames = 13;
  const [width, height] = [10, 6];

  function animation(): ReturnType<typeof sharp> {
    const data = Buffer.alloc(width * height * 3 * frames);
    for (let i = 0; i < frames; i++) data.fill(10 * i, i * width * height * 3, (i + 1) * width * height * 3);
    const raw = { width, height: height * frames, channels: 3 as const, pageHeight: height };
    return sharp(data, { raw });
  }

  test("GIF and WebP, from a path and from bytes", async () => {
    await animation()
      .gif({ delay: new Array(frames).fill(100) })
      .toFile(file("a.gif"));
    const webp = await animation()
      .webp({ lossless: true, delay: new Array(frames).fill(100) })
      .toBuffer();
    const wanted = sampleFrames(frames, 4);
    for (const source of [file("a.gif"), new Uint8Array(webp)]) {
      const decoded = await decodeVideo(source, { size: 8 });
      expect(decoded.map((frame) => [frame.width, frame.height])).toEqual(new Array(4).fill([8, 8]));
      expect(numbersOf(decoded)).toEqual(wanted);
      expect(numbersOf(await decodeVideo(source, { size: 8, frames: { most: 16 } }))).toEqual([0, 10]);
    }
  });

  test("frames that say nothing of their time are a tenth of a second, as in browsers", async () => {
    const hasty = await animation()
      .gif({ delay: new Array(frames).fill(0) })
      .toBuffer();
    expect(numbersOf(await decodeVideo(hasty, { size: 8, frames: { most: 16 } }))).toEqual([0, 10]);
  });

  test("a GIF that ends inside of a frame is an error, as a picture where that is the first", async () => {
    const noise = (seed: number): Buffer =>
      Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, i) => (seed * 7919 * (i + 1) * (i + 3)) % 251));
    const raw = { width: 32, height: 32, channels: 3 } as const;
    const pngs = await Promise.all([1, 2, 3, 4].map((seed) => sharp(noise(seed), { raw }).png().toBuffer()));
    const whole = await sharp(pngs, { join: { animated: true } })
      .gif({ loop: 0 })
      .toBuffer();
    const options = { frames: 4, size: 32 };
    const frames = await decodeVideo(whole, options);
    // What ends the file may be missing, and what stands behind it harms nothing.
    expect(await decodeVideo(whole.subarray(0, -1), options)).toEqual(frames);
    expect(await decodeVideo(Buffer.concat([whole, Buffer.from("!,;more")]), options)).toEqual(frames);
    for (const share of [0.05, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(decodeVideo(cut, options), String(share)).rejects.toThrow(/must be a whole GIF file/);
    }
    const first = await decodeImage(whole);
    expect(await decodeImage(whole.subarray(0, Math.floor(whole.length * 0.7)))).toEqual(first);
    for (const share of [0.1, 0.15, 0.2]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(decodeImage(cut), String(share)).rejects.toThrow(/must be a whole GIF file/);
    }
  });

  test("are laid out as [3, frames, size, size], normalised as pictures are", async () => {
    await animation()
      .gif({ delay: new Array(frames).fill(100) })
      .toFile(file("b.gif"));
    const preprocessor = { ...CLIP_PREPROCESSOR, size: 8, fit: "crop" as const };
    const values = toVideoPixelValues(
      await decodeVideo(file("b.gif"), { frames: 3, size: preprocessor.size }),
      preprocessor,
    );
    expect(values).toHaveLength(3 * 3 * 8 * 8);
    const table = normalisationTable(preprocessor);
    for (const [frame, index] of sampleFrames(frames, 3).entries()) {
      for (let channel = 0; channel < 3; channel++) {
        const value = values[(channel * 3 + frame) * 64 + 20];
        expect(Math.abs(value - table[channel * 256 + 10 * index])).toBeLessThan(0.05);
      }
    }
  });

  test("a still one stands still; other pictures are refused by name", async () => {
    const [first, ...others] = await decodeVideo(fixture("lossy.webp"), { size: 8 });
    for (const frame of others) expect(frame).toEqual(first);
    await expect(decodeVideo(fixture("photo.jpg"), { size: 8 })).rejects.toThrow(
      /photo\.jpg: must be a video, got a JPEG picture; give it as a picture/,
    );
    await expect(decodeVideo(file("a.gif"), { size: 8, frames: 1 })).rejects.toThrow(/two frames or more/);
  });
});

test("without ffmpeg the error says how to get it", async () => {
  writeFileSync(file("film.mp4"), "what is in it does not matter");
  const { FFMPEG_PATH } = process.env;
  process.env.FFMPEG_PATH = file("no-such-program");
  try {
    await expect(decodeVideo(file("film.mp4"), { size: 8 })).rejects.toThrow(VideoError);
    await expect(decodeVideo(file("film.mp4"), { size: 8 })).rejects.toThrow(
      /film\.mp4: needs ffmpeg.*FFMPEG_PATH.*cannot be run.*apt-get install -y ffmpeg/,
    );
  } finally {
    if (FFMPEG_PATH === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = FFMPEG_PATH;
  }
});

describe.skipIf(skipFfmpeg)("films", () => {
  beforeAll(() => {
    ffmpeg(...greyFilm(25, 10), "-c:v", "libx264", "-g", "12", "-bf", "2", file("whole.mp4"));
    ffmpeg(...greyFilm(25, 10), "-c:v", "libvpx", "-auto-alt-ref", "1", "-b:v", "200k", file("whole.webm"));
    ffmpeg("-ss", "0.5", "-i", file("whole.mp4"), "-c", "copy", file("cut.mp4"));
  });

  test("MP4 and WebM: the right frames, squeezed to the square", async () => {
    for (const [name, count] of [
      ["whole.mp4", 4],
      ["whole.webm", 3],
    ] as const) {
      const decoded = await decodeVideo(file(name), { size: 16, frames: count });
      expect(numbersOf(decoded), name).toEqual(sampleFrames(25, count));
      expect(decoded[0].data).toHaveLength(16 * 16 * 3);
    }
    const each = await decodeVideo(file("whole.mp4"), { size: 16, frames: { most: 16 } });
    expect(numbersOf(each)).toEqual([0, 10, 20]);
  });

  test("MPEG streams, which have no index of key frames: the right frames", async () => {
    const streams = [
      ["long-groups.ts", "libx264", "-g", "25", "-bf", "2"],
      ["groups.mts", "libx264", "-g", "6", "-bf", "2"],
      ["blu-ray.m2ts", "libx264", "-g", "6", "-mpegts_m2ts_mode", "1"],
      ["recording.ts", "mpeg2video", "-g", "6", "-bf", "2", "-q:v", "2"],
    ];
    for (const [name, codec, ...options] of streams) {
      ffmpeg(...greyFilm(25, 10), "-c:v", codec, ...options, file(name));
      const decoded = await decodeVideo(file(name), { size: 8, frames: 5 });
      expect(numbersOf(decoded), name).toEqual(sampleFrames(25, 5));
    }
  });

  test("frames that an edited file hides are not counted", async () => {
    const decoded = await decodeVideo(file("cut.mp4"), { size: 8, frames: 2 });
    expect(numbersOf(decoded)).toEqual(sampleFrames(20, 2).map((index) => index + 5));
  });

  test("from bytes too, leaving nothing behind", async () => {
    const bytes = new Uint8Array(readFileSync(file("whole.mp4")));
    expect(numbersOf(await decodeVideo(bytes, { size: 8, frames: 2 }))).toEqual(sampleFrames(25, 2));
  });

  test("damaged files, playlists and other files are errors that name the file", async () => {
    const whole = readFileSync(file("whole.mp4"));
    writeFileSync(file("short.mp4"), whole.subarray(0, whole.length / 2));
    writeFileSync(file("list.mp4"), `#EXTM3U\n#EXTINF:1,\n${file("whole.mp4")}\n#EXT-X-ENDLIST\n`);
    writeFileSync(file("empty.mp4"), "");
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", file("sound.mp4"));
    for (const name of ["short.mp4", "list.mp4", "empty.mp4", "sound.mp4"]) {
      const attempt = decodeVideo(file(name), { size: 8 });
      await expect(attempt, name).rejects.toThrow(VideoError);
      await expect(attempt).rejects.toThrow(name);
    }
  });

  test("a film given as a picture is named as one", async () => {
    await expect(decodeImage(file("whole.mp4"))).rejects.toThrow(/got a video; give it as a video/);
    await expect(decodeImage(file("whole.webm"))).rejects.toThrow(/got a video; give it as a video/);
  });
});

describe("pictures of the video version", () => {
  const preprocessor = { ...CLIP_PREPROCESSOR, fit: "crop" } as const;

  test("are scaled by their shorter edge and cut in the middle", async () => {
    const photo = await decodeImage(fixture("photo.jpg"), { fidelity: "reference" });
    const cut = toPixelValues(resizeAndCenterCrop(photo, 16), { ...CLIP_PREPROCESSOR, size: 16 });
    const options = { fidelity: "reference" } as const;
    const cropped = await loadPixelValues(fixture("photo.jpg"), { ...preprocessor, size: 16 }, options);
    expect(cropped).toEqual(cut);
    const squeezed = await loadPixelValues(fixture("photo.jpg"), { ...CLIP_PREPROCESSOR, size: 16 }, options);
    expect(squeezed).not.toEqual(cut);
  });

  test("of a sliver only the middle is made: the whole would be 30 GB", () => {
    const sliver = { width: 1, height: 200_000, data: new Uint8Array(600_000) };
    sliver.data.fill(100, 300_000, 300_003);
    const { width, height, data } = resizeAndCenterCrop(sliver, 224);
    expect([width, height]).toEqual([224, 224]);
    expect(data.some((value) => value > 99)).toBe(true);
  });

  test.skipIf(!sharedAvailable).each(["47.jpg", "15.jpg"])("%s equals the reference", async (name) => {
    const wanted = (await readSafetensors(shared("golden/image/extra.safetensors"))).get(
      `clip_center.${name}`,
    )!;
    const values = await loadPixelValues(shared(`golden/image/src/${name}`), preprocessor, {
      fidelity: "reference",
    });
    const table = normalisationTable(preprocessor);
    const plane = 224 * 224;
    let worst = 0;
    for (let i = 0; i < 3 * plane; i++) {
      const channel = i % 3;
      const value = values[channel * plane + Math.floor(i / 3)];
      worst = Math.max(worst, Math.abs(value - table[channel * 256 + Number(wanted.data[i])]));
    }
    // Another build of the JPEG decoder may be off by a few levels of about 0.015.
    expect(worst).toBeLessThan(0.05);
  });
});
