import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors, type StateDict } from "../checkpoint/index.ts";
import {
  CLIP_PREPROCESSOR,
  crop,
  decodeImage,
  flipHorizontally,
  ImageError,
  loadPixelValues,
  normalisationTable,
  type Preprocessor,
  parsePreprocessor,
  publishedPreprocessor,
  randomBox,
  randomResizedCrop,
  resizeAndCenterCrop,
  resizeBicubic,
  toPixelValues,
} from "./index.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../tests/fixtures/image/${name}`, import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(name)));

// With these numbers a normalised value is the 8-bit level itself.
const levels = (size: number): Preprocessor => ({ size, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });

/** `[3, S, S]` back to rows of RGB. */
function interleaved(values: Float32Array): Uint8Array {
  const plane = values.length / 3;
  return Uint8Array.from(values, (_, i) => Math.round(values[(i % 3) * plane + Math.trunc(i / 3)]));
}

function bytes(tensors: StateDict, name: string): Uint8Array {
  return Uint8Array.from(tensors.get(name)!.data as Int32Array);
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

let expected: StateDict;
beforeAll(async () => {
  expected = await readSafetensors(fixture("expected.safetensors"));
});

const exact = [
  "rgb.png",
  "rgba.png",
  "gray.png",
  "gray-alpha.png",
  "palette.png",
  "palette-transparent.png",
  "bilevel.png",
  "gray16.png",
  "rgb16.png",
  "transparent.gif",
  "animated.gif",
  "one-pixel.png",
  "sliver.png",
];
// Another build of the JPEG or WebP decoder may round otherwise.
const lossy = ["photo.jpg", "inks.jpg", "turned.jpg", "lossy.webp"];
const DECODER_ALLOWANCE = 3;

describe("fidelity reference", () => {
  it.each([...exact, ...lossy])("%s equals Pillow on both of the reference's paths", async (name) => {
    const allowed = lossy.includes(name) ? DECODER_ALLOWANCE : 0;
    const options = { fidelity: "reference" } as const;
    const resized = interleaved(await loadPixelValues(fixture(name), levels(16), options));
    expect(largestDifference(resized, bytes(expected, `${name}.inference`))).toBeLessThanOrEqual(allowed);
    const { data } = await decodeImage(fixture(name), options);
    expect(largestDifference(data, bytes(expected, `${name}.rgb`))).toBeLessThanOrEqual(allowed);
  });
});

describe("fidelity default", () => {
  it.each([
    "rgb.png",
    "gray.png",
    "photo.jpg",
    "lossy.webp",
    "sliver.png",
    "one-pixel.png",
  ])("%s equals the reference", async (name) => {
    const ours = await loadPixelValues(bytesOf(name), levels(16));
    const reference = await loadPixelValues(fixture(name), levels(16), { fidelity: "reference" });
    expect(ours).toEqual(reference);
  });

  it("turns a picture as its EXIF orientation says", async () => {
    const stored = await decodeImage(fixture("turned.jpg"), { fidelity: "reference" });
    const turned = await decodeImage(fixture("turned.jpg"));
    expect([turned.width, turned.height]).toEqual([stored.height, stored.width]);
    // Orientation 6: the first stored column, from below, is the first row.
    const belowLeft = ((stored.height - 1) * stored.width + 0) * 3;
    expect(turned.data.slice(0, 3)).toEqual(stored.data.slice(belowLeft, belowLeft + 3));
  });

  it("takes a picture whose file lacks its end alone", async () => {
    const right = await decodeImage(bytesOf("rgb.png"));
    for (const cut of [1, 5, 12]) expect(await decodeImage(bytesOf("rgb.png").slice(0, -cut))).toEqual(right);
    await expect(decodeImage(bytesOf("rgb.png").slice(0, -13))).rejects.toThrow(/whole PNG file/);
    const photo = await decodeImage(bytesOf("photo.jpg"));
    expect(await decodeImage(bytesOf("photo.jpg").slice(0, -2))).toEqual(photo);
  });

  it.each(["rgba.png", "gray-alpha.png"])("lays the transparency of %s over white", async (name) => {
    const opaque = await decodeImage(fixture(name), { fidelity: "reference" });
    const { data, width } = await decodeImage(fixture(name));
    expect([...data.slice(0, 3)]).toEqual([255, 255, 255]);
    const last = (width - 1) * 3;
    expect(data.slice(last, last + 3)).toEqual(opaque.data.slice(last, last + 3));
  });

  it("takes the first frame of an animation", async () => {
    const { data } = await decodeImage(fixture("animated.gif"));
    expect(data).toEqual(bytes(expected, "animated.gif.rgb"));
  });

  it("smooths a palette picture and shows 16-bit gray in its whole range", async () => {
    const palette = interleaved(await loadPixelValues(fixture("palette.png"), levels(16)));
    const colours = resizeBicubic(await decodeImage(fixture("palette.png")), 16, 16);
    expect(palette).toEqual(colours.data);
    const { data } = await decodeImage(fixture("gray16.png"));
    expect(data[0]).toBe(data[1]);
    expect(new Set(data).size).toBeGreaterThan(30);
  });
});

describe("resizing", () => {
  it.each(["41x29", "12x9", "80x50", "5x60", "1x1"])("to %s equals Pillow", async (size) => {
    const [width, height] = size.split("x").map(Number);
    const resized = resizeBicubic(await decodeImage(fixture("rgb.png")), width, height);
    expect(resized).toEqual({ width, height, data: bytes(expected, `resize.${size}`) });
  });

  it("leaves a plain colour plain, whatever the sizes", () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), (width, height, toWidth, toHeight, level) => {
        const image = { width, height, data: new Uint8Array(width * height * 3).fill(level) };
        const { data } = resizeBicubic(image, toWidth, toHeight);
        expect(new Set(data)).toEqual(new Set([level]));
      }),
      { seed: 3, numRuns: 60 },
    );
  });
});

describe("bad files", () => {
  const sized = (width: number, height: number) => {
    const picture = bytesOf("one-pixel.png");
    const view = new DataView(picture.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    return picture;
  };
  const text = new TextEncoder().encode("no picture at all");
  const cases: [string, () => Uint8Array | string, RegExp][] = [
    ["empty", () => new Uint8Array(), /image bytes: .*got an empty file/],
    ["text", () => text, /must be a picture \(JPEG, .*got a text file; give a picture/],
    ["missing", () => fixture("none.png"), /none\.png: .*no such file/],
    ["a directory", () => fixture("."), /got a directory/],
    [
      "a JPEG cut short",
      () => bytesOf("photo.jpg").slice(0, -200),
      /must be a whole JPEG file, got 41×29 pixels/,
    ],
    ["a JPEG cut in its header", () => bytesOf("photo.jpg").slice(0, 20), /must be a whole JPEG file/],
    ["a PNG cut short", () => bytesOf("rgba.png").slice(0, 400), /must be a whole PNG file.*damaged or cut/],
    ["a PNG cut in its header", () => bytesOf("rgba.png").slice(0, 20), /must be a whole PNG file/],
    ["a GIF cut short", () => bytesOf("animated.gif").slice(0, 200), /must be a whole GIF file/],
    ["a WebP cut short", () => bytesOf("lossy.webp").slice(0, 100), /must be a whole WebP file/],
    [
      "a header of 30,000×30,000",
      () => sized(30000, 30000),
      /at most 64 million pixels, got 30000×30000 = 900/,
    ],
    ["a header that promises more than there is", () => sized(7000, 7000), /must be a whole PNG file/],
  ];
  it.each(cases)("%s: an error with file and reason, in either fidelity", async (_, source, message) => {
    await expect(decodeImage(source())).rejects.toThrow(message);
    await expect(loadPixelValues(source(), levels(16), { fidelity: "reference" })).rejects.toThrow(message);
  });

  it("are refused before they are decoded or read", async () => {
    const before = process.memoryUsage().rss;
    await expect(decodeImage(sized(30000, 30000))).rejects.toThrow(ImageError);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
    await expect(decodeImage(fixture("rgb.png"), { maxPixels: 1000 })).rejects.toThrow(
      /at most 0 million|rgb\.png/,
    );
    await expect(decodeImage(fixture("rgb.png"), { maxBytes: 100 })).rejects.toThrow(/at most 100 bytes/);
  });
});

describe("the preprocessor", () => {
  it("is read from its published form and written back", () => {
    expect(parsePreprocessor(publishedPreprocessor(CLIP_PREPROCESSOR))).toEqual(CLIP_PREPROCESSOR);
    const { image_mean, image_std } = publishedPreprocessor(CLIP_PREPROCESSOR);
    expect(parsePreprocessor({ size: { height: 72, width: 72 }, image_mean, image_std }).size).toBe(72);
    expect(parsePreprocessor({ size: 56, image_mean, image_std }).size).toBe(56);
  });

  it("names every field that does not fit", () => {
    const bad = { ...publishedPreprocessor(CLIP_PREPROCESSOR), resample: 2, image_std: [1, 1] };
    expect(() => parsePreprocessor(bad, "x.json")).toThrow(/x\.json: [\s\S]*image_std[\s\S]*resample/);
  });

  it("gives planes of normalised values", () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(0, 51, 255, 255, 102, 0) };
    const values = toPixelValues(resizeBicubic(image, 2, 2), { size: 2, mean: [0, 0, 0], std: [1, 1, 0.5] });
    expect([...values.slice(0, 2), ...values.slice(4, 6), ...values.slice(8, 10)]).toEqual(
      [0, 1, 0.2, 0.4, 2, 0].map(Math.fround),
    );
  });
});

describe("augmentation", () => {
  it("crops, resizes and mirrors as the reference does with the same box", async () => {
    const part = crop(await decodeImage(fixture("rgb.png")), { left: 7, top: 3, width: 20, height: 24 });
    expect(flipHorizontally(resizeBicubic(part, 16, 16)).data).toEqual(bytes(expected, "crop"));
    expect(() => crop(part, { left: 1, top: 0, width: 20, height: 2 })).toThrow(/must lie within/);
  });

  it("draws boxes within the picture and the scale, whatever the picture", () => {
    const side = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 4 }),
        (width, height, numbers) => {
          let next = 0;
          const box = randomBox(
            { width, height, data: new Uint8Array() },
            () => numbers[next++ % numbers.length],
          );
          expect(box.left).toBeGreaterThanOrEqual(0);
          expect(box.top).toBeGreaterThanOrEqual(0);
          expect(box.left + box.width).toBeLessThanOrEqual(width);
          expect(box.top + box.height).toBeLessThanOrEqual(height);
          expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(1);
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });

  it("gives the same picture for the same numbers", async () => {
    const image = await decodeImage(fixture("rgb.png"));
    const numbers = () => {
      let state = 7;
      return () => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647;
      };
    };
    const first = randomResizedCrop(image, 16, numbers());
    expect(first).toEqual(randomResizedCrop(image, 16, numbers()));
    expect([first.width, first.height]).toEqual([16, 16]);
  });
});

interface ReferenceCases {
  images: { file: string; tensors: string; train?: string }[];
  crops: { top: number; left: number; height: number; width: number; hflip: boolean; tensor: string }[];
  jpeg: string[];
  clip_center: string[];
  resize: string[];
}

describe.skipIf(!sharedAvailable)("the reference's pictures", () => {
  const path = (name: string) => shared(`golden/image/${name}`);
  const cases: ReferenceCases = sharedAvailable
    ? JSON.parse(readFileSync(path("cases.json"), "utf8"))
    : { images: [], crops: [], jpeg: [], clip_center: [], resize: [] };
  const allowed = (name: string) => (/\.(jpg|webp)$/.test(name) ? DECODER_ALLOWANCE : 0);
  let extra: StateDict;
  beforeAll(async () => {
    extra = await readSafetensors(path("extra.safetensors"));
  });

  it("normalisation is the same in every bit", async () => {
    const table = await readSafetensors(path("lut.safetensors"));
    expect(normalisationTable(CLIP_PREPROCESSOR)).toEqual(table.get("inference")!.data);
  });

  it.each(
    cases.images.map(({ file, tensors, train }) => [file, tensors, train] as const),
  )("%s", async (file, tensors, train) => {
    const golden = await readSafetensors(path(tensors));
    const values = await loadPixelValues(path(file), CLIP_PREPROCESSOR, { fidelity: "reference" });
    if (golden.has("pixel_values") && allowed(file) === 0) {
      expect(
        Buffer.compare(Buffer.from(values.buffer), Buffer.from(golden.get("pixel_values")!.data.buffer)),
      ).toBe(0);
    } else if (golden.has("pixel_values")) {
      const right = golden.get("pixel_values")!.data as Float32Array;
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i])), 0);
      expect(worst).toBeLessThan(0.015 * DECODER_ALLOWANCE);
    } else {
      const table = normalisationTable(CLIP_PREPROCESSOR);
      const rgb = bytes(golden, "resized_rgb");
      const right = Float32Array.from(values, (_, i) => {
        const channel = Math.trunc(i / (224 * 224));
        return table[channel * 256 + rgb[(i % (224 * 224)) * 3 + channel]];
      });
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i])), 0);
      expect(worst).toBeLessThanOrEqual(0.015 * allowed(file));
    }
    if (train) {
      const rgb = resizeBicubic(await decodeImage(path(file), { fidelity: "reference" }), 224, 224);
      expect(largestDifference(rgb.data, bytes(golden, train))).toBe(0);
    }
  });

  it.each(cases.jpeg)("JPEG %s is decoded within the allowance", async (name) => {
    const ours = await decodeImage(path(`jpeg/${name}.jpg`), { fidelity: "reference" });
    const right = await decodeImage(path(`jpeg/${name}.decoded.png`));
    expect(largestDifference(ours.data, right.data)).toBeLessThanOrEqual(DECODER_ALLOWANCE);
  });

  it.each(cases.resize)("a resize to %s", (size) => {
    const [width, height] = size.split("x").map(Number);
    const source = { width: 37, height: 23, data: bytes(extra, "resize.source") };
    expect(resizeBicubic(source, width, height).data).toEqual(bytes(extra, `resize.${size}`));
  });

  it.each(cases.crops.map((box) => [box.tensor, box] as const))("%s", async (tensor, box) => {
    const part = crop(await decodeImage(path("src/9.jpg"), { fidelity: "reference" }), box);
    const resized = resizeBicubic(part, 224, 224);
    const { data } = box.hflip ? flipHorizontally(resized) : resized;
    expect(largestDifference(data, bytes(extra, tensor))).toBeLessThanOrEqual(DECODER_ALLOWANCE);
  });

  it.each(cases.clip_center)("the middle of %s", async (file) => {
    const image = await decodeImage(path(`src/${file}`), { fidelity: "reference" });
    const { data } = resizeAndCenterCrop(image, 224);
    expect(largestDifference(data, bytes(extra, `clip_center.${file}`))).toBeLessThanOrEqual(
      DECODER_ALLOWANCE,
    );
  });
});
