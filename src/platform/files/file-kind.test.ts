import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fileKind, foundInstead } from "../index.ts";

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url));
/** One byte a character. */
const latin = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The first box of a file of boxes: the major brand, a version, the other brands. */
const brands = (major: string, ...others: string[]): Uint8Array =>
  latin(
    `\0\0\0${String.fromCharCode(16 + 4 * others.length)}ftyp${major}\0\0\0\0${others.join("")}\0\0\0\x08mdat`,
  );

describe("a file's kind", () => {
  it.each([
    ["strangers/base.jpg", "JPEG"],
    ["strangers/fill-bytes.jpg", "JPEG"],
    ["strangers/exif-3.webp", "WebP"],
    ["strangers/base.avif", "AVIF"],
    ["strangers/mif1.avif", "AVIF"],
    ["image/rgb.png", "PNG"],
    ["image/animated.gif", "GIF"],
  ])("%s is %s", (name, kind) => {
    expect(fileKind(fixture(name))?.name).toBe(kind);
    expect(fileKind(fixture(name).subarray(0, 64))?.group).toBe("picture");
  });

  it.each([
    [
      brands("heic", "mif1", "heic"),
      "HEIC",
      /a HEIC picture; convert it to JPEG or PNG .*sips -s format jpeg/,
    ],
    [brands("mif1", "heic", "hevc"), "HEIC", /sips/],
    [brands("msf1", "hevc"), "HEIC", /sips/],
    [brands("mif1", "miaf"), "HEIF", /a HEIF picture; convert/],
    [brands("msf1", "avis", "miaf"), "AVIF", /an AVIF picture/],
    [brands("isom", "iso2", "avc1"), "MP4", /a video; give it as a video/],
    [brands("qt  ", "qt  "), "MOV", /a video/],
    [brands("crx ", "crx ", "isom"), "Canon RAW", /a Canon RAW picture; convert/],
    [latin("\x1a\x45\xdf\xa3\x01"), "WebM or Matroska", /a video/],
    [latin("RIFF\x10\0\0\0AVI LIST"), "AVI", /a video/],
    [latin("RIFF\x10\0\0\0WAVEfmt "), "WAV", /a WAV file; give a picture/],
    [latin("%PDF-1.7\n%\xe2\xe3"), "PDF", /a PDF file; give a page of it as PNG/],
    [latin("BM\x36\x10\0\0\0\0\0\0\x36\0\0\0\x28"), "BMP", /a BMP picture; convert it to JPEG or PNG/],
    [latin("\0\0\x01\0\x02\0 "), "ICO", /an ICO picture; convert/],
    [latin("\xff\x0a\xfa\x1f"), "JPEG XL", /a JPEG XL picture; convert/],
    [latin("\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "), "JPEG XL", /JPEG XL/],
    [latin("\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 "), "JPEG 2000", /JPEG 2000/],
    [latin("8BPS\0\x01"), "Photoshop", /a Photoshop picture; convert/],
    [latin("II*\0\x10\0\0\0CR\x02\0"), "Canon RAW", /RAW/],
    [latin("II*\0\x08\0\0\0"), "TIFF", /a TIFF picture/],
    [latin("MM\0*\0\0\0\x08"), "TIFF", /a TIFF picture/],
    [latin("PK\x03\x04"), "ZIP", /a ZIP file; unpack it first/],
    [utf8("\ufeff<?xml version='1.0'?>\n<!-- a\nb -->\n<svg xmlns='…'/>"), "SVG", /an SVG picture/],
    [utf8('<!DOCTYPE svg PUBLIC "a" "b" [<!ENTITY c "d">]><svg:svg/>'), "SVG", /SVG/],
    [utf8("  <!doctype html>\n<p>404"), "web page", /a web page; it may be an error page/],
    [utf8("<html lang=de>"), "web page", /web page/],
    [utf8("<?xml version='1.0'?><Error>AccessDenied</Error>"), "XML", /an XML file; give a picture/],
    [utf8('{"error":"not found"}'), "JSON", /a JSON file; it may be an error message/],
    [utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git-lfs pointer", /git lfs pull/],
    [utf8("Übrigens"), "text", /a text file; give a picture/],
    [latin("\x01\x02\0\xff"), undefined, /^a file of another kind$/],
    [new Uint8Array(), undefined, /^an empty file$/],
  ])("is told by its content, and what to do where it is no picture that is taken", (bytes, kind, sentence) => {
    expect(fileKind(bytes)?.name).toBe(kind);
    expect(foundInstead(bytes)).toMatch(sentence);
  });
});
