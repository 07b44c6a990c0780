import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRows } from "./formats.ts";

let directory: string;
let base64: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-keys-"));
  const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
  const bytes = await picture.png().toBuffer();
  base64 = bytes.toString("base64");
  await writeFile(join(directory, "cat.jpg"), bytes);
});
afterAll(() => rm(directory, { recursive: true }));

const write = async (name: string, rows: unknown): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, typeof rows === "string" ? rows : JSON.stringify(rows));
  return path;
};
type Settings = NonNullable<Parameters<typeof openRows>[1]>;
const only = async (row: object, settings: Settings = {}) => {
  const source = await openRows(await write("one.json", [row]), settings);
  expect(source.length).toBe(1);
  return source.example(0);
};
const refusal = async (row: object, settings: Settings = {}): Promise<string> =>
  openRows(await write("bad.json", [row]), settings).then(
    () => "taken",
    (error: Error) => error.message.replaceAll(`${directory}/`, ""),
  );

const user = (text: string) => ({ role: "user", content: text });
const assistant = (text: string) => ({ role: "assistant", content: text });
const shown = (...parts: (string | number)[]) => ({
  role: "user",
  content: parts.map((part) =>
    typeof part === "number" ? { type: "image", image: part } : { type: "text", text: part },
  ),
});

describe("keys beside each other", () => {
  const conversations = [
    { from: "human", value: "<image>\nwhat is this?" },
    { from: "gpt", value: "a cat" },
  ];
  it("that mean other pictures are an error, equal ones are one", async () => {
    const images = ["b.jpg", "c.jpg"];
    expect(await refusal({ image: "cat.jpg", images, conversations })).toMatch(
      /image: may be image or images; name the one in the recipe, columns: { image: image }/,
    );
    const messages = [user("<image>what?"), assistant("a cat")];
    expect(await refusal({ image: ["cat.jpg"], image_path: "b.jpg", messages })).toMatch(
      /image: may be image or image_path/,
    );
    const chosen = { images, image: "cat.jpg", prompt: "what?", chosen: "a cat", rejected: "a dog" };
    expect(await refusal(chosen)).toMatch(/image: may be image or images/);
    const own = { image: ["cat.jpg"], images, text: "Human: <image>\nAI: a cat" };
    const path = await write("own.jsonl", JSON.stringify(own));
    await expect(openRows(path)).rejects.toThrow(
      /line 1: "image" names the files, got others in "images" beside it/,
    );
    const twice = { image: "cat.jpg", images: ["cat.jpg"], file_name: "000.jpg", conversations };
    expect((await only(twice)).images).toHaveLength(1);
    const embedded = { image: { bytes: base64, path: null }, image_path: "somewhere/cat.jpg", conversations };
    expect((await only(embedded)).images).toHaveLength(1);
    expect(await refusal({ ...embedded, image_path: ["a.jpg", "b.jpg"] })).toMatch(
      /may be image or image_path/,
    );
    const columns = { image: "image" };
    expect((await only({ image: "cat.jpg", images, conversations }, { columns })).images).toHaveLength(1);
  });

  it("that say whether an answer is a good one are an error", async () => {
    for (const [key, value] of [
      ["label", false],
      ["label", true],
      ["kto_tag", false],
    ] as const)
      for (const row of [
        { messages: [user("hi"), assistant("go away")] },
        {
          conversations: [conversations[1], conversations[1]].map((one, i) => ({
            ...one,
            from: i === 0 ? "human" : "gpt",
          })),
        },
        { instruction: "hi", output: "go away" },
        { prompt: "hi", completion: "go away" },
      ])
        expect(await refusal({ ...row, [key]: value })).toMatch(
          `"${key}" says whether the answer is a good one (${value}), which cannot be learned here`,
        );
    const named = { prompt: "what is this?", image: "cat.jpg", label: "a cat" };
    expect((await only(named)).text).toEqual([shown(0, "what is this?"), assistant("a cat")]);
  });
});

describe("texts that are JSON", () => {
  const json = '[{"bbox":[1,2,3,4],"label":"cat"}]';
  it("stay texts where a text is meant", async () => {
    for (const row of [
      { instruction: "find", output: json },
      { question: "find", answer: json },
      {
        conversations: [
          { from: "human", value: "find" },
          { from: "gpt", value: json },
        ],
      },
    ])
      expect((await only(row)).text).toEqual([user("find"), assistant(json)]);
    expect((await only({ instruction: json, input: json, output: "a" })).text).toEqual([
      user(`${json}\n${json}`),
      assistant("a"),
    ]);
    expect((await only({ image: "cat.jpg", caption: json })).text).toBe(json);
  });

  it("are lists where lists are meant", async () => {
    const turns = JSON.stringify([user("<image>hi"), assistant("hello")]);
    const images = '[{"path": "cat.jpg"}]';
    const texts = '[{"user": "hi", "assistant": "hello"}]';
    for (const row of [
      { messages: turns, images },
      { conversations: turns, images },
      { texts, images },
    ])
      expect((await only(row)).text).toEqual([shown(0, "hi"), assistant("hello")]);
  });
});
