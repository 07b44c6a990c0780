import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { foundPath, nearHint, openFile, readBytes, readJson, readText } from "../index.ts";

const nfc = "Größe café.json";
const nfd = nfc.normalize("NFD");
const screenshot = "Screenshot 2026-11-28 at 4.10.00\u202fPM.json";
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-found-"));
  mkdirSync(join(folder, "Fotos für dich".normalize("NFD")));
  for (const name of [nfd, "é.json", screenshot, join("Fotos für dich".normalize("NFD"), nfd)]) {
    writeFileSync(join(folder, name), `"${name.length}"`);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["a composed name for a decomposed one", nfc, nfd],
  ["a decomposed name for a composed one", "é.json".normalize("NFD"), "é.json"],
  ["a blank for a narrow one", screenshot.replace("\u202f", " "), screenshot],
  ["names of folders, too", join("Fotos für dich", nfc), join("Fotos für dich".normalize("NFD"), nfd)],
])("a file is found by %s, however it is read", async (_, given, there) => {
  const path = join(folder, given);
  expect(await foundPath(path)).toBe(join(folder, there));
  const text = `"${there.length}"`;
  expect(await readText(path)).toBe(text);
  expect(await readJson(path)).toBe(`${there.length}`);
  expect(new TextDecoder().decode(await readBytes(path))).toBe(text);
  const file = await openFile(path);
  expect(file.path).toBe(path);
  await file.close();
});

test("where two names read the same, the exact one counts, else none", async () => {
  const twins = mkdtempSync(join(folder, "twins-"));
  const [a, b, c] = ["a\u00a0b\u00a0c", "a\u202fb\u202fc", "a b c"].map((name) => join(twins, name));
  writeFileSync(a, "");
  expect(await foundPath(c)).toBe(a);
  writeFileSync(b, "");
  expect(await foundPath(b)).toBe(b);
  expect(await foundPath(c)).toBe(c);
});

test("what is not there stays, and its error names the nearest in its folder", async () => {
  const path = join(folder, "Grosse cafe.json");
  expect(await foundPath(path)).toBe(path);
  await expect(openFile(path)).rejects.toThrow(`got no such file or directory; did you mean ${nfd}?`);
  expect(await nearHint(join(folder, "xyz"))).toBe("");
  expect(await nearHint(join(folder, "nowhere", "é.json"))).toBe("");
});
