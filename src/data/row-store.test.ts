import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkImage } from "../image/index.ts";
import { readCheckedFile, writeCheckedFile } from "./checked-file.ts";
import { type DataFormatName, dataFormats, openKnownRows } from "./formats/formats.ts";
import type { Row } from "./row.ts";
import { checkRows } from "./row-check.ts";
import { RowIndex } from "./row-index.ts";
import { RowLengths } from "./row-lengths.ts";
import { RowStore } from "./row-store.ts";

let directory: string;
let url: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-store-"));
  const picture = sharp({ create: { width: 5, height: 4, channels: 3, background: "red" } });
  const bytes = await picture.png().toBuffer();
  await writeFile(join(directory, "a.png"), bytes);
  url = `data:image/png;base64,${bytes.toString("base64")}`;
});
afterAll(() => rm(directory, { recursive: true }));

const turns = (answer: string): object[] => [
  { from: "human", value: "<image>\nwhich color is it, größer?" },
  { from: "gpt", value: answer },
];
const rows = {
  jsonl: () =>
    `\ufeff{"text":"Human: hi\\nAI: größe"}\r\n\r\n{"image":["a.png"],"text":"Human: <image>\\nHuman: a\\nAI: b"}\r\n`,
  llava: () =>
    [
      { image: "a.png", conversations: turns("red") },
      { image: url, conversations: turns("as red") },
    ]
      .map((row) => JSON.stringify(row))
      .join("\n"),
  sharegpt: () =>
    JSON.stringify(
      [
        { image: url, conversations: turns("red") },
        { image: "a.png", conversations: turns("as red") },
      ],
      undefined,
      1,
    ),
  tsv: () => "caption\timage\na red one, größer\ta.png\nanother\ta.png\n",
} satisfies Partial<Record<DataFormatName, () => string>>;

const plain = ({ text, images, line }: Row): unknown => [
  line,
  text,
  images.map((image) => (typeof image === "string" ? image : image.name)),
];

it.each(
  Object.keys(rows) as (keyof typeof rows)[],
)("rows of %s are read again where they lie", async (name) => {
  const path = join(directory, `${name}.${name === "tsv" ? "tsv" : "json"}`);
  await writeFile(path, rows[name]());
  const format = dataFormats[name];
  const reader = await format.reader(path);
  const [all, few] = [new RowStore(path, { reader }), new RowStore(path, { reader, charactersKept: 0 })];
  const checked = await checkRows(path, format, {}, all);
  expect(await checkRows(path, format, {}, few)).toEqual(checked);
  checked.problems.require();
  expect([all.length, few.length, few.all()]).toEqual([2, 2, undefined]);
  for (const index of [1, 0]) {
    const row = await few.row(index);
    expect(plain(row)).toEqual(plain(await all.row(index)));
    expect(few.nameOf(index)).toEqual({ line: row.line });
    for (const image of row.images) await checkImage(image, { whole: true });
  }

  const place = join(directory, `${name}.rows`);
  const lengths = new RowLengths();
  for (const tokens of [7, 2 ** 32 - 1]) lengths.add(tokens);
  await writeCheckedFile(place, { name }, { index: few.index!, lengths });
  const { facts, index, lengths: read } = (await readCheckedFile(place))!;
  expect(facts).toEqual({ name });
  expect([...read.all()]).toEqual([7, 2 ** 32 - 1]);
  const known = await openKnownRows(path, { ...checked, index }, { format: name });
  expect([known.length, known.nameOf(1)]).toEqual([2, `${path}:${(await all.row(1)).line}`]);
  expect((await known.example(1)).images).toHaveLength(1);
  await writeFile(path, rows[name]().replace(/größ/, "klein"));
  await expect(known.textOf(0)).rejects.toThrow(
    /must be as it was when the rows were checked, got a changed file/,
  );
});

it("what is no such file, or one that was cut, is as none", async () => {
  const place = join(directory, "other.rows");
  expect(await readCheckedFile(place)).toBeUndefined();
  const index = new RowIndex();
  for (let line = 1; line <= 3000; line++)
    index.add({ line, start: 2 ** 33 + line, length: 7, sum: 2 ** 32 - line });
  await writeCheckedFile(place, {}, { index, lengths: new RowLengths(new Uint32Array(3000)) });
  const read = await readCheckedFile(place);
  expect(read?.index.length).toBe(3000);
  expect(read?.index.place(2999)).toEqual({
    line: 3000,
    start: 2 ** 33 + 3000,
    length: 7,
    sum: 2 ** 32 - 3000,
  });
  for (const text of ["", "owl", "something else that is longer"]) {
    await writeFile(place, text);
    expect(await readCheckedFile(place)).toBeUndefined();
  }
});
