import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeText, readJson, readText, unexpectedContent } from "../index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-text-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (bytes: Uint8Array | string): string => {
  const path = join(folder, "a.json");
  writeFileSync(path, bytes);
  return path;
};
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a byte order mark is dropped, of texts and of JSON", async () => {
  expect(await readText(fileOf("\ufeffname: owl\n"))).toBe("name: owl\n");
  expect(await readJson(fileOf('\ufeff{"a": "é🦉"}'))).toEqual({ a: "é🦉" });
  expect(decodeText(utf8("a\ufeffb"), "x")).toBe("a\ufeffb");
});

test.each([
  ["UTF-16 with a mark", Buffer.from('\ufeff{"a": 1}', "utf16le"), "got UTF-16; save it as UTF-8"],
  ["UTF-16 without one", Buffer.from('{"a": 1}', "utf16le"), "got UTF-16; save it as UTF-8"],
  ["UTF-16, big-endian", bytes(0xfe, 0xff, 0, 0x7b), "got UTF-16; save it as UTF-8"],
  ["UTF-32", bytes(0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0), "got UTF-32; save it as UTF-8"],
  [
    "Latin-1",
    Buffer.from('{\n"a": "caf\xe9"\n}', "latin1"),
    "got line 2 in another encoding (Latin-1?); save it as UTF-8",
  ],
])("%s is refused by its name", async (_, content, got) => {
  const path = fileOf(content);
  await expect(readJson(path)).rejects.toThrow(`${path}: must be UTF-8 text, ${got}`);
  await expect(readText(path)).rejects.toThrow(`${path}: must be UTF-8 text, ${got}`);
});

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 14204192\n";

test.each([
  ["a git-lfs pointer", utf8(pointer), "a git-lfs pointer to a file of 14204192 bytes"],
  ["a web page", utf8("\n<!DOCTYPE html><html><head>"), "a web page saved in place of the file"],
  [
    "the hub's refusal",
    utf8("Access to model meta/x is restricted"),
    "the hub's refusal in place of the file",
  ],
  ["nothing", bytes(), "an empty file"],
  ["zeros", new Uint8Array(512), "nothing but zeros"],
  ["gzip", bytes(0x1f, 0x8b, 8, 0), "a file compressed by gzip"],
])("%s in place of a file is told", async (_, content, is) => {
  expect(unexpectedContent(content)?.is).toContain(is);
  await expect(readJson(fileOf(content))).rejects.toThrow(`must be valid JSON, got ${is}`);
});

test("what is no mistake of these is read, or called what it is", async () => {
  for (const sound of ["{}", "[]", "\ufeff{}", ' {"a": "<html>"}']) {
    expect(unexpectedContent(utf8(sound))).toBeUndefined();
    await readJson(fileOf(sound));
  }
  await expect(readJson(fileOf('{"a": 1'))).rejects.toThrow(/a\.json: must be valid JSON, got .*JSON/);
});
