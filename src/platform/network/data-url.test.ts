import { describe, expect, it } from "vitest";
import { FileError } from "../files/file-error.ts";
import { bytesOfDataUrl, dataUrl, isBareBase64, isDataUrl } from "./data-url.ts";

/** What the platform's own `fetch` makes of a URL; undefined where it fails. */
async function fetched(url: string): Promise<number[] | undefined> {
  const response = await fetch(url).catch(() => undefined);
  return response === undefined ? undefined : [...new Uint8Array(await response.arrayBuffer())];
}

function decoded(url: string): number[] | undefined {
  try {
    return [...bytesOfDataUrl(url)];
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return undefined;
  }
}

const hello = "aGVsbG8=";
const image = "data:image/png;base64,";

describe("a data: URL is decoded as fetch does it", () => {
  it.each<[says: string, url: string]>([
    ["plain base64", image + hello],
    ["line breaks", `${image}aGVs\nbG8=\n`],
    ["line breaks of Windows", `${image}aGVs\r\nbG8=\r\n`],
    ["blanks and tabs", `${image} aG Vs\tbG 8= `],
    ["percent-encoded padding", `${image}aGVsbG8%3D`],
    ["percent-encoded letters, blanks and line breaks", `${image}%61GVs%20bG8%3d%0A`],
    ["percent-encoded plus and slash", `${image}%2B%2F%2b%2f`],
    ["no padding", `${image}aGVsbG8`],
    ["half the padding", `${image}aGVsbA=`],
    ["bits left over", `${image}aGVsbG9=`],
    ["capital letters", `DATA:IMAGE/PNG;BASE64,${hello}`],
    ["blanks in front and behind", `  \n${image}${hello} \n`],
    ["no media type", `data:;base64,${hello}`],
    ["parameters", `data:image/png;charset=utf-8;name=a.png;base64,${hello}`],
    ["blanks before base64", `data:image/png; base64,${hello}`],
    ["blanks behind base64", `data:image/png;base64  ,${hello}`],
    ["base64 that is a parameter's name", `data:image/png;base64;x=1,${hello}`],
    ["base64 that is the media type", `data:base64,${hello}`],
    ["a fragment", `${image}${hello}#a,b`],
    ["two slashes", `data://image/png;base64,${hello}`],
    ["text", "data:text/plain,hello world"],
    ["a percent-encoded drawing", "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"],
    ["bytes", "data:image/png,%89PNG%0d%0A%1A%0a%00%ff"],
    ["percent signs that encode nothing", "data:,100%,%4,%zz"],
    ["letters beyond ASCII", "data:,\u00e9\u20ac\u{1f989}\ud800"],
    ["many of them", `data:,${"\u{1f989}".repeat(5000)}`],
    ["nothing", "data:,"],
    ["base64 of nothing", image],
    ["commas in the data", "data:,a,b,c"],
    ["no comma", "data:image/png;base64"],
    ["only a scheme", "data:"],
    ["one letter too many", `${image}aGVsb`],
    ["three signs for the end", `${image}a===`],
    ["an end in the middle", `${image}YQ==YQ==`],
    ["too much padding", `${image}aGVsbG8==`],
    ["the alphabet for file names", `${image}_-_-`],
    ["a letter that base64 has not", `${image}aGVs!G8=`],
    ["a blank that is none of ASCII", `${image}aGVs\u00a0bG8=`],
    ["a byte that is no letter", `${image}%ff`],
    ["a percent sign in base64", `${image}${hello}%`],
  ])("%s", async (_, url) => {
    expect(decoded(url)).toEqual(await fetched(url));
  });

  it("every byte, however long the URL is", () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * i) >> 3);
    const url = dataUrl(bytes, "image/png");
    const lines = url.replace(/.{76}/g, "$&\r\n");
    const blanks = " ".repeat(1_000_000);
    for (const written of [url, lines, lines.replaceAll("\r\n", "%0D%0A"), blanks + url + blanks]) {
      expect(Buffer.compare(bytesOfDataUrl(written), bytes)).toBe(0);
    }
  });
});

describe("an error", () => {
  it.each([
    ["data:image/png;base64", "a comma before its data"],
    [`${image}_-_-`, 'the alphabet for file names; write "+" for "-" and "/" for "_"'],
    [`${image}aGVsb`, "cut short"],
    [`${image}ab!c`, 'the letter "!"'],
    [`${image}YQ==YQ==`, '"=" before its end'],
    [`${image}a===`, '"=" before its end'],
  ])("of %s says what is wrong", (url, message) => {
    expect(() => bytesOfDataUrl(url)).toThrow(message);
  });

  it("stays short", () => {
    expect(() => bytesOfDataUrl(`${image}${"!".repeat(1_000_000)}`)).toThrow(/^.{1,200}$/s);
  });
});

describe("what a text is meant as", () => {
  it("a data: URL, however it is written", () => {
    expect(["data:,", " \nDaTa:image/png,"].map(isDataUrl)).toEqual([true, true]);
    expect(["date:", "./data:x", "https://a.org/data:"].map(isDataUrl)).toEqual([false, false, false]);
  });

  it("base64 that lacks the beginning of its URL", () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => 7 * i);
    const base64 = Buffer.from(bytes).toString("base64");
    const lines = base64.replace(/.{76}/g, "$&\n");
    expect([base64, lines, "image/png;base64,aGVs"].map(isBareBase64)).toEqual([true, true, true]);
    const names = ["pictures/owl.png", "/etc/passwd", "owl", "", `https://a.org/${"a".repeat(300)}`];
    expect(names.map(isBareBase64)).toEqual(names.map(() => false));
  });
});
