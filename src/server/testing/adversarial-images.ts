import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync, gzipSync } from "node:zlib";

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../tests/fixtures/image/${name}`, import.meta.url)));

const dataUrl = (bytes: Uint8Array | string, type = "image/png"): string =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

function chunk(name: string, data: Uint8Array, length = data.length): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

const pngSignature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** A grey PNG that says it has so many pixels. */
function png(width: number, height: number, ...chunks: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  return Buffer.concat([pngSignature, chunk("IHDR", header), ...chunks, chunk("IEND", Buffer.alloc(0))]);
}

const noPixels = chunk("IDAT", deflateSync(Buffer.alloc(0)));

/** A GIF of one frame whose screen and frame say they are so large. */
function gif(width: number, height: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  const bytes = (...values: number[]): Buffer => Buffer.from(values);
  const screen = [Buffer.from("GIF89a"), size, bytes(0x80, 0, 0), bytes(0, 0, 0, 255, 255, 255)];
  return Buffer.concat([...screen, bytes(0x2c, 0, 0, 0, 0), size, bytes(0, 2, 2, 0x4c, 1, 0, 0x3b)]);
}

/** A photograph whose header was told to say it has so many pixels. */
function jpeg(width: number, height: number): Buffer {
  const bytes = Buffer.from(fixture("photo.jpg"));
  const frame = bytes.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(bytes[i + 1]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

const laughs = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "${"ha".repeat(50)}"><!ENTITY b "&a;&a;&a;&a;">
<!ENTITY c SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&b;&c;</text></svg>`;

const nothingLikeIt = "must be a JPEG, PNG, WebP, GIF or AVIF picture";
const noBase64 = "must hold base64";
const noAddress = "must be a data: or https: URL";
const tooLarge = "million pixels";

/** Addresses of pictures that are refused: what each is, the address, the status, and words of the refusal. */
export const adversarialImages: readonly (readonly [
  description: string,
  url: string,
  status: number,
  words: string,
])[] = [
  ["a PNG of 30,000 × 30,000", dataUrl(png(30_000, 30_000, noPixels)), 413, tooLarge],
  ["a PNG of 2³¹ − 1 in both ways", dataUrl(png(2 ** 31 - 1, 2 ** 31 - 1, noPixels)), 400, "damaged"],
  ["a PNG of one very long row", dataUrl(png(60_000_000, 1, noPixels)), 413, tooLarge],
  ["a PNG without a pixel", dataUrl(png(0, 0, noPixels)), 400, "damaged"],
  ["a GIF of 65,535 × 65,535", dataUrl(gif(65_535, 65_535), "image/gif"), 413, tooLarge],
  ["a JPEG of 65,500 × 65,500", dataUrl(jpeg(65_500, 65_500), "image/jpeg"), 413, tooLarge],
  [
    "a chunk that says it has 2 GiB",
    dataUrl(png(9, 9, chunk("IDAT", Buffer.alloc(9), 0x7fffffff))),
    400,
    "PNG",
  ],
  ["a PNG whose pixels are missing", dataUrl(png(64, 64, noPixels)), 400, "PNG"],
  ["a PNG whose pixels are no zlib", dataUrl(png(64, 64, chunk("IDAT", Buffer.from("hello")))), 400, "PNG"],
  ["half a photograph's header", dataUrl(fixture("photo.jpg").subarray(0, 100)), 400, "damaged"],
  ["the signature of a PNG alone", dataUrl(pngSignature), 400, "damaged"],
  ["the signature of a JPEG alone", dataUrl(Buffer.from([0xff, 0xd8, 0xff])), 400, "damaged"],
  ["the signature of a GIF alone", dataUrl("GIF89a"), 400, "damaged"],
  ["the signature of a WebP alone", dataUrl("RIFF\x04\0\0\0WEBP"), 400, "damaged"],
  ["the signature of an AVIF alone", dataUrl("\0\0\0\x1cftypavif"), 400, "damaged"],
  ["a drawing that laughs and reads files", dataUrl(laughs, "image/svg+xml"), 400, nothingLikeIt],
  ["a drawing that says it is a PNG", dataUrl(laughs), 400, nothingLikeIt],
  ["a TIFF", dataUrl("II*\0\x08\0\0\0"), 400, nothingLikeIt],
  ["a BMP", dataUrl(`BM${"\0".repeat(60)}`), 400, nothingLikeIt],
  ["a PDF", dataUrl("%PDF-1.7"), 400, nothingLikeIt],
  ["a zip archive", dataUrl("PK\x03\x04"), 400, nothingLikeIt],
  ["a packed picture", dataUrl(gzipSync(png(9, 9, noPixels))), 400, nothingLikeIt],
  ["a page", dataUrl("<script>alert(1)</script>", "text/html"), 400, nothingLikeIt],
  ["a playlist", dataUrl("#EXTM3U\nfile:///etc/passwd"), 400, nothingLikeIt],
  ["a HEIC", dataUrl("\0\0\0\x18ftypheic"), 400, nothingLikeIt],
  ["one byte", dataUrl("x"), 400, nothingLikeIt],
  ["base64 of nothing", "data:image/png;base64,", 400, nothingLikeIt],
  ["no data", "data:,", 400, nothingLikeIt],
  ["only a scheme", "data:", 400, "must have a comma"],
  ["data without base64", "data:image/png,%89PNG", 400, nothingLikeIt],
  ["base64 with blanks", "data:image/png;base64,iVBO Rw0K", 400, nothingLikeIt],
  ["base64 of the other alphabet", "data:image/png;base64,_-_-", 400, noBase64],
  ["base64 that is cut", "data:image/png;base64,iVBOR", 400, "cut short"],
  ["three signs for the end", "data:image/png;base64,a===", 400, noBase64],
  ["a text in quotes of another kind", "data:image/png;base64,'';DROP", 400, noBase64],
  ["base64 without a URL", fixture("photo.jpg").toString("base64"), 400, "in front of it"],
  ["nothing", "", 400, noAddress],
  ["a blank before the scheme", " https://example.org/a.png", 400, noAddress],
  ["a path", "/etc/passwd", 400, noAddress],
  ["a path upwards", "../../package.json", 400, noAddress],
  ["a share", "\\\\host\\share\\a.png", 400, noAddress],
  ["an address without a scheme", "//example.org/a.png", 400, noAddress],
  ["file:", "file:///etc/passwd", 400, noAddress],
  ["FILE:", "FILE:///etc/passwd", 400, noAddress],
  ["http:", "http://example.org/a.png", 400, noAddress],
  ["ftp:", "ftp://example.org/a.png", 400, noAddress],
  ["gopher:", "gopher://127.0.0.1:6379/_FLUSHALL", 400, noAddress],
  ["javascript:", "javascript:alert(1)", 400, noAddress],
  ["blob:", "blob:https://example.org/1", 400, noAddress],
  ["jar:", "jar:https://example.org/a!/b", 400, noAddress],
  ["unix:", "unix:/var/run/docker.sock", 400, noAddress],
];

/** Spellings of hosts that lead to this machine, its network or its cloud. */
export const privateHosts: readonly string[] = [
  ...["localhost", "127.0.0.1", "127.1", "127.0.1", "127.9.9.9", "2130706433", "0x7f000001", "0x7f.1"],
  ...["017700000001", "0177.0.0.1", "00000177.0.0.1", "0", "0.0.0.0", "127。0。0。1", "①②⑦.0.0.1"],
  ...["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"],
  ...["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]"],
  ...["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:a9fe:a9fe]"],
  ...["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "168.63.129.16", "224.0.0.1"],
];
