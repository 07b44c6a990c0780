import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { droppedAttachments, namedAttachments, optionAttachment } from "./attachments.ts";
import { optionPath, typedPaths } from "./typed-paths.ts";

const photo = fileURLToPath(new URL("../../tests/fixtures/image/rgb.png", import.meta.url));
const here = process.cwd();
const screenshot = "Screenshot 2026-11-28 at 4.10.00\u202fPM.png";
const names = [
  "owl.png",
  "my photo (1).png",
  "two  blanks.png",
  "it's.png",
  'a "b".png',
  "C:\\x y.png",
  screenshot,
  "Größe.png".normalize("NFD"),
  "50% $5 & more.png",
];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl typed-"));
  for (const name of names) cpSync(photo, join(folder, name));
  mkdirSync(join(folder, "more"));
  writeFileSync(join(folder, "notes.txt"), "no picture");
  writeFileSync(join(folder, "cut.png"), "\x89PNG\r\n\x1a\n", "latin1");
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(here);
  rmSync(folder, { recursive: true });
});

describe("what a person types or drops", () => {
  it.each([
    ["owl.png", ["owl.png"]],
    ["   owl.png  ", ["owl.png"]],
    ["'owl.png'", ["owl.png"]],
    ['"owl.png"', ["owl.png"]],
    ["./owl.png", ["./owl.png"]],
    ["my photo (1).png", ["my photo (1).png"]],
    ["'my photo (1).png' ", ["my photo (1).png"]],
    ["my\\ photo\\ \\(1\\).png ", ["my photo (1).png"]],
    ["two  blanks.png", ["two  blanks.png"]],
    ["it's.png", ["it's.png"]],
    ["'it'\\''s.png'", ["it's.png"]],
    ["it\\'s.png", ["it's.png"]],
    ['"a \\"b\\".png"', ['a "b".png']],
    ["C:\\x y.png", ["C:\\x y.png"]],
    ['"C:\\x y.png"', ["C:\\x y.png"]],
    ["& 'C:\\x y.png'", ["C:\\x y.png"]],
    ["50\\%\\ \\$5\\ \\&\\ more.png", ["50% $5 & more.png"]],
    [screenshot, [screenshot]],
    [screenshot.replace("\u202f", " "), [screenshot]],
    [screenshot.replaceAll(" ", "\\ "), [screenshot]],
    ["Größe.png", ["Größe.png".normalize("NFD")]],
    ["owl.png 'my photo (1).png'", ["owl.png", "my photo (1).png"]],
    ["owl.png my\\ photo\\ \\(1\\).png it's.png", ["owl.png", "my photo (1).png", "it's.png"]],
    ["owl.png my photo (1).png two  blanks.png", ["owl.png", "my photo (1).png", "two  blanks.png"]],
    ["https://example.org/a%20b.png?x='1'", ["https://example.org/a%20b.png?x=1"]],
  ])("%s is found", async (typed, found) => {
    expect(await typedPaths(typed)).toEqual(found);
  });

  it("may be an address of a file, or begin with the home directory", async () => {
    const path = join(folder, "my photo (1).png");
    const { href } = pathToFileURL(path);
    expect(href).toContain("my%20photo");
    expect(await typedPaths(href)).toEqual([path]);
    expect(await typedPaths(`${href} ${pathToFileURL("owl.png").href}`)).toEqual([
      path,
      join(folder, "owl.png"),
    ]);
    expect(await typedPaths(`file://${path}`)).toEqual([path]);
    expect(await optionPath(href)).toBe(path);
    expect(await optionPath("~/none.png")).toBe(join(homedir(), "none.png"));
    await expect(typedPaths("~/no such owl.png")).rejects.toThrow(
      `${join(homedir(), "no such owl.png")}: no such file`,
    );
    await expect(typedPaths("file://host/a.png")).rejects.toThrow("must be a file on this machine");
  });

  it.each([
    ["owl.pgn", "owl.pgn: no such file; did you mean owl.png?"],
    ["owl.png two.png", "two.png: no such file"],
    ["no such thing at all.jpeg", "no such thing at all.jpeg: no such file"],
    ["more", "more: a directory; name a file in it"],
    ["x".repeat(5000), `${"x".repeat(100)}… (5,000 characters): no such file`],
  ])("%s is told", async (typed, message) => {
    await expect(typedPaths(typed)).rejects.toThrow(message);
  });
});

describe("files for a question", () => {
  it("are looked at when they are named", async () => {
    expect(await namedAttachments("image", "owl.png")).toEqual([{ type: "image", file: "owl.png" }]);
    await expect(namedAttachments("image", "notes.txt")).rejects.toThrow(
      /notes\.txt: must be a picture .*got a text file/,
    );
    await expect(namedAttachments("image", "owl.png cut.png")).rejects.toThrow(
      /cut\.png: must be a whole PNG file/,
    );
    const inside = `data:image/png;base64,${readFileSync("owl.png", "base64")}`;
    expect(await namedAttachments("image", inside)).toEqual([{ type: "image", file: inside }]);
    await expect(namedAttachments("image", "data:image/png;base64,AAAA")).rejects.toThrow(
      /must be a picture .*got a file of another kind/,
    );
    await expect(namedAttachments("image", "data:image/png")).rejects.toThrow(/must have a comma/);
    await expect(namedAttachments("video", "owl.png")).rejects.toThrow(
      /got a PNG picture; give it as a picture/,
    );
    await expect(optionAttachment({ type: "image", file: "owl.pgn" })).rejects.toThrow(
      /did you mean owl\.png\?/,
    );
  });

  it.each([
    ["owl.png", ["owl.png"]],
    ["my photo (1).png", ["my photo (1).png"]],
    ["'owl.png' 'it'\\''s.png'", ["owl.png", "it's.png"]],
    ["./my\\ photo\\ \\(1\\).png", ["./my photo (1).png"]],
    ["notes.txt", undefined],
    ["what is owl.png", undefined],
    ["what do cats eat?", undefined],
    ["'quoted' words.", undefined],
    ["", undefined],
  ])("a line that is only %s", async (line, files) => {
    const dropped = await droppedAttachments(line);
    expect(dropped?.map(({ file }) => file)).toEqual(files);
  });

  it("a whole path that is dropped is a file, and a damaged picture is told", async () => {
    const path = join(folder, "owl.png");
    expect(await droppedAttachments(path.replaceAll(" ", "\\ "))).toEqual([{ type: "image", file: path }]);
    await expect(droppedAttachments("./cut.png")).rejects.toThrow(/whole PNG file/);
  });
});
