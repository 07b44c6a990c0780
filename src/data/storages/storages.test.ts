import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFormats, openRows, recognisedFormat } from "../formats/formats.ts";
import { writeGoodRows } from "../good-rows.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../tests/fixtures/rows/${name}`, import.meta.url));
let directory: string;
let picture: Buffer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-storages-"));
  picture = await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  await writeFile(join(directory, "cat.png"), picture);
});
afterAll(() => rm(directory, { recursive: true }));

const write = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(directory, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
};
type Settings = NonNullable<Parameters<typeof openRows>[1]>;
/** Everything that a file's rows say and show. */
const read = async (path: string, settings: Settings = {}) => {
  const source = await openRows(path, settings);
  const rows = [];
  for (let i = 0; i < source.length; i++) {
    const { text, images } = await source.example(i);
    for (const { data } of images) expect([...data.slice(0, 3)]).toEqual([255, 0, 0]);
    rows.push({ name: source.nameOf(i).replace(`${path}:`, ""), text, images: images.length });
  }
  return { content: source.content, rows };
};
const asked = (question: string, answer: string, pictures = 1) => [
  {
    role: "user",
    content: [
      ...Array.from({ length: pictures }, (_, image) => ({ type: "image", image })),
      { type: "text", text: question },
    ],
  },
  { role: "assistant", content: answer },
];

describe("Parquet", () => {
  it("has the hub's image columns, by bytes and by path", async () => {
    await copyFile(fixture("captions.parquet"), join(directory, "captions.parquet"));
    expect(await read(join(directory, "captions.parquet"))).toEqual({
      content: "caption",
      rows: [
        { name: "1", text: "a cat", images: 1 },
        { name: "2", text: "a dog", images: 1 },
      ],
    });
  });

  it("has lists of pictures and texts, and a directory of several files is one", async () => {
    await mkdir(join(directory, "shards"));
    for (const name of ["1", "2"])
      await copyFile(fixture("finevision.parquet"), join(directory, "shards", `${name}.parquet`));
    const { rows } = await read(join(directory, "shards"));
    expect(rows.map(({ name, images }) => [name, images])).toEqual([
      ["1.parquet:1", 2],
      ["1.parquet:2", 0],
      ["2.parquet:1", 2],
      ["2.parquet:2", 0],
    ]);
    expect(rows[0].text).toEqual([
      ...asked("are these alike?", "yes", 2),
      { role: "user", content: "sure?" },
      { role: "assistant", content: "yes." },
    ]);
  });

  it("is read group by group, in any order, with columns that the recipe names", async () => {
    const columns = { image: "photo" };
    const source = await openRows(fixture("groups.parquet"), { columns, rows: 4500 });
    const groups = source.groups!;
    expect([groups.length > 1, groups[0].start, groups.at(-1)!.end]).toEqual([true, 0, 4500]);
    expect(groups.slice(1).every(({ start }, i) => start === groups[i].end)).toBe(true);
    expect(source.length).toBe(4500);
    for (const row of [4321, 0, 2048, 2047]) {
      const { text, images } = await source.example(row);
      expect([text, images.length]).toEqual([asked(`what is ${row}?`, `it is ${row}`), 1]);
    }
    await expect(
      openRows(fixture("groups.parquet"), { format: "parquet", columns: { image: "foto" }, rows: 1 }),
    ).rejects.toThrow(
      /groups\.parquet: .*row 1: columns: image is said to be foto, got a row of id, photo, question, answer/s,
    );
  });

  it("compressed by Zstandard is read where Node can, else the error says so", async () => {
    const rows = read(fixture("zstd.parquet"), { usualContent: "text" });
    if ("zstdDecompressSync" in zlib)
      expect(await rows).toMatchObject({ content: "text", rows: [{ text: "a long text" }] });
    else await expect(rows).rejects.toThrow(/Zstandard, which Node reads from version 22\.15 on/);
  });

  it("that is damaged is an error", async () => {
    const bytes = await readFile(fixture("captions.parquet"));
    await expect(openRows(await write("cut.parquet", bytes.subarray(0, 500)))).rejects.toThrow(
      /cut\.parquet: must be a whole Parquet file/,
    );
  });
});

describe("WebDataset", () => {
  it("has img2dataset's samples, long names too", async () => {
    expect(await read(fixture("gnu.tar"))).toEqual({
      content: "caption",
      rows: [
        { name: "000000001", text: "a cat", images: 1 },
        { name: "000000003", text: "a bird", images: 1 },
      ],
    });
  });

  it("has rows of other formats in its .json, about the sample's own picture", async () => {
    await mkdir(join(directory, "tars"));
    await copyFile(fixture("pax.tar"), join(directory, "tars", "b.tar"));
    expect((await read(join(directory, "tars"), { rows: 1 })).rows).toEqual([
      { name: "b.tar:000000002", text: asked("what?", "a dog"), images: 1 },
    ]);
  });

  it("that is damaged, cut short or holds other things is an error", async () => {
    const bytes = await readFile(fixture("gnu.tar"));
    await expect(openRows(await write("cut.tar", bytes.subarray(0, 1600)))).rejects.toThrow(
      /must be a whole tar archive, got one that ends inside of 000000001\.png/,
    );
    const wrong = Buffer.from(bytes);
    wrong[1024 + 20] ^= 1;
    await expect(openRows(await write("wrong.tar", wrong))).rejects.toThrow(
      /must be a tar archive, got something else at byte 1024/,
    );
    await expect(openRows(fixture("gnu.tar"), { format: "parquet" })).rejects.toThrow(
      /must be of the format parquet, got webdataset/,
    );
    const sound = Buffer.from(bytes);
    sound.write("000000001.mp3\0", 1024, "latin1");
    sound.write(
      `${sound
        .subarray(1024, 1536)
        .reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      1024 + 148,
      "latin1",
    );
    await expect(openRows(await write("sound.tar", sound))).rejects.toThrow(
      /sample 000000001: must be a picture with its text, got 000000001\.mp3/,
    );
  });
});

describe("tables", () => {
  it("have a header of known names, or two columns one of which names pictures", async () => {
    const rows = [{ name: "1", text: 'a "cat"', images: 1 }];
    expect((await read(await write("pair.tsv", '\ufeffa "cat"\tcat.png\r\n'))).rows).toEqual(rows);
    const named = await read(await write("named.tsv", 'filepath\ttitle\tid\ncat.png\ta "cat"\t1\n'));
    expect(named.rows).toEqual([{ ...rows[0], name: "2" }]);
    const quoted = await read(await write("quoted.csv", 'id,image,caption\n1,cat.png,"a ""cat"""\n'));
    expect(quoted.rows).toEqual([{ ...rows[0], name: "2" }]);
  });

  it("have their columns named in the recipe, by number too", async () => {
    const path = await write("plain.tsv", "1\ta cat\tcat\n");
    await expect(openRows(path)).rejects.toThrow(
      /must be of a format that is known by its keys, got 1, 2, 3\. Name the format/,
    );
    await copyFile(join(directory, "cat.png"), join(directory, "cat"));
    expect((await read(path, { columns: { image: "3", text: "2" } })).rows).toEqual([
      { name: "1", text: "a cat", images: 1 },
    ]);
  });

  it("lose no row to a quote that is never closed, whatever empty lines stand before it", async () => {
    const open = 'b.png,"never closed\nc.png,fine\nd.png,too';
    for (const [name, text, row] of [
      ["blank", `image,caption\n\ncat.png,good\n${open}\n`, 4],
      ["several", `\n\nimage,caption\ncat.png,good\n\n\n${open}\n`, 7],
      ["returns", `image,caption\ncat.png,good\n${open}\n`.replaceAll("\n", "\r\r\n"), 5],
      ["header", 'image,"caption\ncat.png,good\n', 1],
      ["first", open, 1],
    ] as const) {
      const rows = openRows(await write(`${name}.csv`, text), {
        columns: { image: "image", text: "caption" },
      });
      await expect(rows, name).rejects.toThrow(`row ${row}: must be a row of a table, got Quoted field`);
    }
  });

  it("pass over empty lines, whatever separates their cells", async () => {
    for (const [name, between] of [
      ["comma", ","],
      ["semicolon", ";"],
    ]) {
      const text = `\ufeff\r\nimage${between}caption\r\n\r\ncat.png${between}"a\r\n\r\ncat"\r\n\r\n`;
      const { rows } = await read(await write(`${name}.csv`, text));
      expect(rows).toEqual([{ name: "4", text: "a\n\ncat", images: 1 }]);
    }
    const { rows } = await read(await write("alone.csv", "text\n\nwords\n"), { usualContent: "text" });
    expect(rows).toEqual([{ name: "3", text: "words", images: 0 }]);
  });

  it("have a header where the recipe names its columns", async () => {
    const columns = { image: "bild", text: "beschreibung" };
    for (const [ending, between] of [
      ["tsv", "\t"],
      ["csv", ","],
    ]) {
      const lines = [
        ["bild", " beschreibung "],
        ["cat.png", "a cat"],
      ].map((cells) => cells.join(between));
      const path = await write(`named.${ending}`, lines.join("\n"));
      expect((await read(path, { columns })).rows).toEqual([{ name: "2", text: "a cat", images: 1 }]);
      await expect(openRows(path, { columns: { ...columns, text: "text" } })).rejects.toThrow(
        "line 2: columns: text is said to be text, got a row of bild, beschreibung",
      );
    }
    const good = join(directory, "named-good.tsv");
    const found = { problems: { isBad: () => false }, media: { pictures: 1, videos: 0, files: 1 } };
    await writeGoodRows(join(directory, "named.tsv"), good, dataFormats.tsv, { columns }, found as never);
    expect((await read(good, { columns })).rows).toEqual([{ name: "2", text: "a cat", images: 1 }]);
  });

  it("with two columns of one name have the filled one, and no row where both are", async () => {
    const path = await write(
      "twice.csv",
      "image,caption,caption\ncat.png,a cat,\ncat.png,,a cat\ncat.png,a cat,a cat\n",
    );
    expect((await read(path)).rows.map(({ text }) => text)).toEqual(["a cat", "a cat", "a cat"]);
    const other = await write("differ.tsv", "image\tcaption\tcaption\ncat.png\ta cat\ta dog\n");
    await expect(openRows(other)).rejects.toThrow(
      /line 2: must have one value for each name, got two columns caption that differ/,
    );
  });

  it("with other numbers of columns, addresses or several pictures are errors by line", async () => {
    const path = await write(
      "bad.tsv",
      "caption\timage\na cat\tcat.png\na\tb\tc\na dog\thttps://a.example/dog.png\n",
    );
    await expect(openRows(path)).rejects.toThrow(
      /line 3: must have 2 columns, got 3\n {2}line 4: picture 1 must be a file, got an address/,
    );
    const both = await write("both.tsv", "caption\tpath\tphoto\na cat\tcat.png\tcat.png\n");
    await expect(openRows(both)).rejects.toThrow(
      /line 2: image: may be path or photo; name the one in the recipe, columns: { image: path }/,
    );
  });
});

describe("COCO's captions", () => {
  const image = { id: 1, file_name: "cat.png" };
  it("are a row each", async () => {
    const annotations = [
      { id: 5, image_id: 1, caption: "a cat " },
      { id: 6, image_id: 1, caption: "a red cat" },
    ];
    for (const [name, text] of [
      ["coco.json", JSON.stringify({ info: {}, images: [image], annotations }, null, 1)],
      ["coco-line.json", JSON.stringify({ images: [image], annotations })],
    ]) {
      const path = await write(name, text);
      expect(await recognisedFormat(path)).toBe("coco");
      expect((await read(path)).rows).toEqual([
        { name: "1", text: "a cat", images: 1 },
        { name: "2", text: "a red cat", images: 1 },
      ]);
    }
  });

  it("that are none, or of no picture, are errors", async () => {
    const annotations = [
      { id: 5, image_id: 1, bbox: [] },
      { id: 6, image_id: 2, caption: "a" },
    ];
    await expect(
      openRows(await write("boxes.json", JSON.stringify({ images: [image], annotations }))),
    ).rejects.toThrow(
      /annotation 1: must have a caption; .*\n {2}annotation 2: must name one of the file's images, got image_id 2/,
    );
  });
});

describe("folders", () => {
  it("have a text beside each picture, whatever normal form its name has", async () => {
    await write("texts/Größe.png".normalize("NFC"), picture);
    await write("texts/Größe.txt".normalize("NFD"), "a\r\nred one\n");
    await write("texts/.DS_Store", "");
    const { rows, content } = await read(join(directory, "texts"), {});
    expect([content, rows]).toEqual(["caption", [{ name: "Größe.png", text: "a\nred one", images: 1 }]]);
    await write("texts/dog.txt", "a dog");
    await write("texts/owl.png", picture);
    await expect(openRows(join(directory, "texts"))).rejects.toThrow(
      /picture owl\.png: must have a text file beside it, owl\.txt, got none\n {2}picture dog\.txt: must lie beside a picture/,
    );
  });

  it("have a folder for each class, which answers the recipe's question", async () => {
    for (const name of ["red_apple/1.png", "owl/1.png"]) await write(`classes/${name}`, picture);
    const { rows } = await read(join(directory, "classes"), { question: "what is this?" });
    expect(rows).toEqual([
      { name: "owl/1.png", text: asked("what is this?", "owl"), images: 1 },
      { name: "red_apple/1.png", text: asked("what is this?", "red apple"), images: 1 },
    ]);
    await write("classes/alone.png", picture);
    await expect(openRows(join(directory, "classes"))).rejects.toThrow(
      /picture alone\.png: must have a text file beside it, or lie in a folder/,
    );
    await write("classes/metadata.jsonl", "{}");
    await expect(openRows(join(directory, "classes"))).rejects.toThrow(
      /has metadata\.jsonl, which says what its pictures are; name that file/,
    );
  });
});
