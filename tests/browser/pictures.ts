import { readFileSync } from "node:fs";
import sharp from "sharp";
import type { RgbImage } from "../../src/image/index.ts";

/** A file and a description of it. */
interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const fixture = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)));
/** A file of `tests/fixtures/strangers`. */
export const strangersFile = (name: string): Uint8Array => fixture(`strangers/${name}`);

const width = 64;
const height = 32;
/** Top left, top right, bottom left, bottom right. */
const quarters = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
];
const quarterAt = (x: number, y: number): number[] =>
  quarters[(y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0)];

/** Whether a picture's four quarters are in place; their shades may differ. */
export function isUpright(image: RgbImage): boolean {
  if (image.width !== width || image.height !== height) return false;
  const isRight = (x: number, y: number): boolean =>
    quarterAt(x, y).every((level, i) => level > 100 === image.data[(y * width + x) * 3 + i] > 100);
  return [4, width - 5].every((x) => [4, height - 5].every((y) => isRight(x, y)));
}

/** Where a pixel of the upright picture is stored, by EXIF orientation from 1 on (EXIF 2.3, 4.6.4 A). */
const stored: ((x: number, y: number) => [x: number, y: number])[] = [
  (x, y) => [x, y],
  (x, y) => [width - 1 - x, y],
  (x, y) => [width - 1 - x, height - 1 - y],
  (x, y) => [x, height - 1 - y],
  (x, y) => [y, x],
  (x, y) => [y, width - 1 - x],
  (x, y) => [height - 1 - y, width - 1 - x],
  (x, y) => [height - 1 - y, x],
];

/** The four quarters in every format with an orientation, in all eight orientations. */
export async function turnedPictures(): Promise<NamedFile[]> {
  const files: NamedFile[] = [3, 6].map((orientation) => {
    const name = `exif-${orientation}.webp`;
    return { name, bytes: strangersFile(name) };
  });
  for (const [i, place] of stored.entries()) {
    const size = i < 4 ? { width, height } : { width: height, height: width };
    const pixels = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [column, row] = place(x, y);
        pixels.set(quarterAt(x, y), (row * size.width + column) * 3);
      }
    }
    const picture = sharp(pixels, { raw: { ...size, channels: 3 } }).withMetadata({ orientation: i + 1 });
    const written = {
      jpeg: picture.clone().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }),
      png: picture.clone().png(),
      webp: picture.clone().webp({ lossless: true }),
      avif: picture.clone().avif({ lossless: true, effort: 0 }),
    };
    for (const [format, file] of Object.entries(written)) {
      files.push({ name: `orientation ${i + 1} as ${format}`, bytes: new Uint8Array(await file.toBuffer()) });
    }
  }
  return files;
}

/** Complete pictures that lack their end marker or have bytes behind it. */
export function oddlyEnded(): NamedFile[] {
  const png = fixture("image/rgb.png");
  const followed = ["photo.jpg", "rgb.png", "lossy.webp", "animated.gif"].map((name) => ({
    name: `${name} with bytes behind it`,
    bytes: Uint8Array.from([...fixture(`image/${name}`), 1, 2, 3, 4]),
  }));
  return [
    ...followed,
    { name: "a PNG without an end", bytes: png.slice(0, -12) },
    { name: "a PNG cut in its end", bytes: png.slice(0, -5) },
    { name: "a PNG with EXIF data behind its pixels", bytes: withLateExif(png) },
    { name: "a GIF without its last byte", bytes: fixture("image/animated.gif").slice(0, -1) },
  ];
}

/** Orientation 3 in a chunk of its own at the end. */
function withLateExif(png: Uint8Array): Uint8Array {
  const exif = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0];
  const named = Buffer.from([..."eXIf"].map((letter) => letter.charCodeAt(0)).concat(exif));
  const chunk = Buffer.alloc(named.length + 8);
  chunk.writeUInt32BE(exif.length);
  chunk.set(named, 4);
  chunk.writeUInt32BE(checksum(named), named.length + 4);
  return Uint8Array.from([...png.slice(0, -12), ...chunk, ...png.slice(-12)]);
}

/** CRC-32 as PNG has it. */
function checksum(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

/** Files of every format, truncated or with one byte changed. */
export async function damagedPictures(): Promise<NamedFile[]> {
  const shared = ["photo.jpg", "rgb.png", "lossy.webp"];
  const photo = sharp(fixture("image/rgb.png"));
  const whole: NamedFile[] = [
    ...shared.map((name) => ({ name, bytes: fixture(`image/${name}`) })),
    {
      name: "progressive.jpg",
      bytes: new Uint8Array(await photo.clone().jpeg({ progressive: true }).toBuffer()),
    },
    { name: "still.gif", bytes: new Uint8Array(await photo.clone().gif().toBuffer()) },
    { name: "lossless.webp", bytes: new Uint8Array(await photo.clone().webp({ lossless: true }).toBuffer()) },
    { name: "photo.avif", bytes: new Uint8Array(await photo.clone().avif({ effort: 0 }).toBuffer()) },
  ];
  const cut = whole.flatMap(({ name, bytes }) =>
    [0.5, 0.75, 0.95].map((share) => ({
      name: `${name} cut to ${share}`,
      bytes: bytes.slice(0, Math.trunc(bytes.length * share)),
    })),
  );
  const png = fixture("image/rgb.png");
  png[png.length - 30] ^= 1;
  return [...cut, { name: "a PNG with a wrong checksum", bytes: png }];
}
