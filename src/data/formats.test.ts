import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFormatNames, dataFormatOf, dataFormats, openRows } from "./formats.ts";
import { openRowSource, type StoredRow } from "./row-source.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-formats-"));
  const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
  await picture.jpeg().toFile(join(directory, "cat.jpg"));
});
afterAll(() => rm(directory, { recursive: true }));

describe.each(dataFormatNames)("the format %s", (format) => {
  const { example, extensions } = dataFormats[format];

  it("opens a file of its example, by its name or where the recipe says so", async () => {
    for (const [name, given] of [
      [`rows${extensions[0].toUpperCase()}`, undefined],
      ["rows", format],
    ] as const) {
      const path = join(directory, name);
      await writeFile(path, example);
      const source = await openRows(path, { format: given });
      expect([source.length, (await source.example(0)).images.length]).toEqual([1, 1]);
    }
  });

  it("is told by the ending of a name", () => {
    for (const extension of extensions) expect(dataFormatOf(`a.b${extension}`)).toBe(format);
  });
});

it("a file whose name tells nothing has the package's own format", async () => {
  expect(dataFormatOf("rows.txt")).toBe("jsonl");
  const path = join(directory, "empty");
  await writeFile(path, "");
  await expect(openRows(path)).rejects.toThrow(/the file has no rows; one is written {"image": /);
});

it("a format of one list has its items named", async () => {
  async function* read(): AsyncGenerator<StoredRow> {
    yield { line: 1, stored: "", row: { line: 1, text: "Human: hi\nAI: hello", images: [], videos: [] } };
    yield { line: 2, stored: "", row: ["must be an object"] };
  }
  const format = { extensions: [".json"], unit: "item", example: "[]", read } as const;
  await expect(openRowSource("rows.json", format, {})).rejects.toThrow(
    "rows.json: must hold a list of training rows, got 1 problem:\n  item 2: must be an object\nCorrect or remove these items.",
  );
});
