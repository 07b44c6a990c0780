import { readFileSync } from "node:fs";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { JpegScanError, wholeJpeg } from "./jpeg.ts";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url)));

/** A picture in which every block has much to say. */
async function noisy(options: JpegOptions, width = 45, height = 37): Promise<Uint8Array> {
  let state = 7;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (state * 48271) % 2147483647;
    return state >> 8;
  });
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg(options)
    .toBuffer();
}
const pixelsOf = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes, { failOn: "error" }).raw().toBuffer();

const kinds: Record<string, JpegOptions> = {
  "4:2:0": { chromaSubsampling: "4:2:0", optimiseCoding: false },
  "4:4:4": { chromaSubsampling: "4:4:4", quality: 98 },
  progressive: { progressive: true },
  "progressive with optimised scans": { mozjpeg: true },
};

/** A file's segments up to its first scan's data, each with its marker, and what follows. */
function segmentsOf(bytes: Uint8Array): { segments: Uint8Array[]; data: Uint8Array } {
  const segments: Uint8Array[] = [];
  let at = 2;
  do {
    const end = at + 2 + 256 * bytes[at + 2] + bytes[at + 3];
    segments.push(bytes.slice(at, end));
    at = end;
  } while (segments.at(-1)?.[1] !== 0xda);
  return { segments, data: bytes.slice(at) };
}
const joined = (segments: Uint8Array[], data: Uint8Array): Uint8Array =>
  Uint8Array.from([0xff, 0xd8, ...segments.flatMap((segment) => [...segment]), ...data]);

describe("a JPEG file", () => {
  it.each([
    ...["strangers/base.jpg", "strangers/noise.jpg", "strangers/fill-bytes.jpg"],
    ...["image/photo.jpg", "image/inks.jpg", "image/turned.jpg"],
  ])("%s is whole and stays as it is", (name) => {
    const bytes = fixture(name);
    expect(wholeJpeg(bytes)).toBe(bytes);
  });

  it("without an end, or with another file behind its picture, gets one", async () => {
    const base = fixture("strangers/base.jpg");
    expect(wholeJpeg(fixture("strangers/no-eoi-trailer.jpg"))).toEqual(base);
    expect(wholeJpeg(base.subarray(0, -2))).toEqual(base);
    expect(wholeJpeg(base.subarray(0, -1))).toEqual(base);
    const followed = Uint8Array.from([...base, 1, 2, 3]);
    expect(wholeJpeg(followed)).toBe(followed);
  });

  it("whose picture data were changed is refused", () => {
    expect(() => wholeJpeg(fixture("strangers/corrupt-scan.jpg"))).toThrow(JpegScanError);
  });

  it.each(
    Object.entries(kinds),
  )("(%s) passes with junk that harms nothing, and is refused cut", async (_, options) => {
    const bytes = await noisy(options);
    const right = await pixelsOf(bytes);
    expect(wholeJpeg(bytes)).toBe(bytes);
    const body = bytes.subarray(0, -2);
    for (const junk of [
      [0, 0, 0, 0],
      [0xff, 0xff],
      [1, 2, 3, 4, 5, 6, 7],
    ]) {
      const padded = wholeJpeg(Uint8Array.from([...body, ...junk, 0xff, 0xd9]));
      expect(Buffer.compare(await pixelsOf(padded), right)).toBe(0);
      expect(Buffer.compare(await pixelsOf(wholeJpeg(Uint8Array.from([...body, ...junk]))), right)).toBe(0);
    }
    for (let length = 2; length < bytes.length - 3; length += 13) {
      const cut = bytes.subarray(0, length);
      expect(() => wholeJpeg(cut), `cut to ${length}`).toThrow(JpegScanError);
      if (options.progressive || options.mozjpeg) continue;
      // Whoever cuts a file may end it again.
      expect(() => wholeJpeg(Uint8Array.from([...cut, 0xff, 0xd9])), `ended at ${length}`).toThrow(
        JpegScanError,
      );
    }
  });

  it.each(
    Object.entries(kinds).slice(0, 3),
  )("(%s) of which a part was overwritten is refused", async (_, options) => {
    const bytes = await noisy(options);
    const found = [0.4, 0.5, 0.6, 0.7, 0.8].map((share) => {
      const damaged = bytes.slice();
      damaged.fill(0x55, Math.trunc(bytes.length * share), Math.trunc(bytes.length * share) + 60);
      try {
        return wholeJpeg(damaged).length;
      } catch (error) {
        return error instanceof JpegScanError;
      }
    });
    expect(found).toEqual([true, true, true, true, true]);
  });

  it("whose components have one name is read in their order, as decoders do", async () => {
    const { segments, data } = segmentsOf(await noisy({ chromaSubsampling: "4:2:0" }));
    for (const segment of segments) {
      const ids = { 192: [10, 13, 16], 218: [5, 7, 9] }[segment[1]] ?? [];
      for (const at of ids) segment[at] = 1;
    }
    const bytes = joined(segments, data);
    expect(wholeJpeg(bytes)).toBe(bytes);
    expect(() => wholeJpeg(bytes.subarray(0, -200))).toThrow(JpegScanError);
  });

  it("without Huffman tables means the standard's, as decoders do", async () => {
    const { segments, data } = segmentsOf(await noisy({ optimiseCoding: false }));
    const bytes = joined(
      segments.filter(([, marker]) => marker !== 0xc4),
      data,
    );
    expect(bytes.length).toBeLessThan(joined(segments, data).length - 400);
    expect(wholeJpeg(bytes)).toBe(bytes);
    expect(Buffer.compare(await pixelsOf(bytes), await pixelsOf(joined(segments, data)))).toBe(0);
    expect(() => wholeJpeg(bytes.subarray(0, -200))).toThrow(JpegScanError);
  });

  it("of scans without end, or of what did not come before, is refused at once, however large it says it is", async () => {
    const { segments } = segmentsOf(await noisy({ progressive: true }, 8, 8));
    const scan = (of: number[], code: number): number[] => [255, 0xda, 0, 8, 1, ...of, code, 255];
    const table = [255, 0xc4, 0, 20, 0x10, 1, ...Array<number>(15).fill(0), 0x00];
    const frame = segments.find(([, marker]) => marker === 0xc2)!;
    frame.set([0, 8, 0, 8], 5);
    const [id] = frame.subarray(10);
    const first = scan([id, 0, 1, 63, 0], 0x7f);
    const header = [segments.find(([, marker]) => marker === 0xc2)!, Uint8Array.from(table)];
    const scans = (count: number): Uint8Array =>
      joined(header, Uint8Array.from([...Array(count).fill(first).flat(), 255, 0xd9]));
    expect(() => wholeJpeg(scans(101))).toThrow("more than 100 scans");
    const again = scan([id, 0, 1, 63, 0x10], 0x7f);
    expect(() => wholeJpeg(joined(header, Uint8Array.from([...first, ...again, 255, 0xd9])))).toThrow(
      "scans that are missing or out of order",
    );
  });
});
