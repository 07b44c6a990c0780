import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textsOf } from "../texts.ts";
import { type DataFormatName, dataFormatNames, dataFormats, openRows, recognisedFormat } from "./formats.ts";

let directory: string;
let base64: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-formats-"));
  const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
  const bytes = await picture.png().toBuffer();
  base64 = bytes.toString("base64");
  await mkdir(join(directory, "pictures"));
  await writeFile(join(directory, "cat.jpg"), bytes);
  await writeFile(join(directory, "pictures", "dog.jpg"), bytes);
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

const meanings: Readonly<Partial<Record<DataFormatName, unknown>>> = {
  jsonl: "Human: <image>\nHuman: what is this?\nAI: a cat",
  llava: [shown(0, "what is this?"), assistant("a cat")],
  sharegpt: [user("hello"), assistant("hello! how can i help?")],
  messages: [shown(0, "what is this?"), assistant("a cat")],
  preference: [shown(0, "what is this?"), assistant("a cat")],
  alpaca: [user("name the animal\nit says meow"), assistant("a cat")],
  baize: [{ role: "system", content: "A conversation." }, user("who says meow?"), assistant("a cat")],
  finevision: [shown(0, "what is this?"), assistant("a cat")],
  table: [shown(0, "what is this?"), assistant("a cat")],
};

const formatNames = Object.keys(meanings) as DataFormatName[];

it.each(dataFormatNames)("the format %s stands in docs/training.md with a row", async (format) => {
  const docs = await readFile(new URL("../../../docs/training.md", import.meta.url), "utf8");
  const { about, example } = dataFormats[format];
  expect(docs).toContain(`| \`${format}\` | ${about} |`);
  expect(docs).toContain(`\n    ${example}\n`);
});

describe.each(formatNames)("the format %s", (format) => {
  const { example } = dataFormats[format];

  it("is recognised by what a file holds, or named, one object a line or in a list", async () => {
    for (const [name, text, given] of [
      ["rows.jsonl", `\ufeff${example}\r\n\r\n${example}`, undefined],
      ["rows", example, format],
      ...(format === "jsonl"
        ? []
        : [["rows.json", `\ufeff[\r\n  ${example},${example}]\n`, undefined] as const]),
    ] as const) {
      const path = await write(name, text);
      const recognised = await recognisedFormat(path);
      expect(recognised === "llava" && format === "sharegpt" ? format : recognised).toBe(format);
      const source = await openRows(path, { format: given });
      expect((await source.example(0)).text).toEqual(meanings[format]);
      expect(source.length).toBe(text === example ? 1 : 2);
    }
  });
});

describe("pictures of rows", () => {
  it("are files beside the rows or in the recipe's directory, data: URLs, base64 and bytes", async () => {
    const ask = [
      { from: "human", value: "<image>\nwhat is this?" },
      { from: "gpt", value: "a cat" },
    ];
    for (const image of [
      "cat.jpg",
      ["cat.jpg"],
      `data:image/png;base64,${base64}`,
      base64,
      { bytes: base64, path: "lost.png" },
      { bytes: null, path: "cat.jpg" },
    ]) {
      const { images } = await only({ image, conversations: ask });
      expect([images.length, images[0].width, images[0].data[0]]).toEqual([1, 2, 255]);
    }
    expect(
      (await only({ image: "dog.jpg", conversations: ask }, { images: join(directory, "pictures") })).images,
    ).toHaveLength(1);
  });

  it("of messages stand in their parts, in the order given, or in the row's own list", async () => {
    const url = `data:image/png;base64,${base64}`;
    const parts = [
      { type: "text", text: "one:" },
      { type: "image_url", image_url: { url } },
      { type: "text", text: "two:" },
      { type: "input_image", image_url: url },
    ];
    const both = await only({ messages: [{ role: "user", content: parts }, assistant("the same")] });
    expect(both.text).toEqual([shown("one:", 0, "two:", 1), assistant("the same")]);
    expect(both.images).toHaveLength(2);
    const empty = [
      { role: "user", content: [{ type: "image" }, { type: "text", text: "what?" }] },
      { role: "assistant", content: [{ type: "text", text: "a cat" }], tool_calls: null },
    ];
    for (const messages of [empty, [user("<image>what?"), assistant("a cat")]])
      expect((await only({ messages, images: [{ path: "cat.jpg" }] })).text).toEqual([
        shown(0, "what?"),
        expect.objectContaining({ role: "assistant" }),
      ]);
  });

  it("that are missing, addresses, or no picture are an error of their row", async () => {
    const row = (image: unknown) => ({
      image,
      conversations: [
        { from: "human", value: "<image>?" },
        { from: "gpt", value: "a" },
      ],
    });
    expect(await refusal(row("lost.jpg"))).toMatch(/item 1: picture lost\.jpg: no such file/);
    expect(await refusal(row("https://a.example/b.jpg"))).toMatch(
      /item 1: picture 1 must be a file, got an address/,
    );
    expect(
      await refusal(row(`data:image/png;base64,${Buffer.from("no picture").toString("base64")}`)),
    ).toMatch(/item 1: picture the picture of bad\.json:1: must be a picture/);
    expect(await refusal(row(7))).toMatch(
      /item 1: picture 1 must be a path, a data: URL, base64 or bytes, got a number/,
    );
    expect(await refusal(row([]))).toMatch(
      /needs one <image> mark a picture in what people say, got 1 for 0/,
    );
    expect(await refusal({ ...row("cat.jpg"), images: ["cat.jpg"] })).toBe("taken");
    expect(
      await refusal({ image_path: "cat.jpg", images: ["cat.jpg"], conversations: row("").conversations }),
    ).toMatch(
      /image: may be image_path or images; name the one in the recipe, columns: { image: image_path }/,
    );
  });
});

describe("what nobody meant", () => {
  const turns = (...values: [string, unknown][]) => ({
    conversations: values.map(([from, value]) => ({ from, value })),
  });

  it("is no part of a row: line ends, blanks at the ends, marks of turns", async () => {
    const { text } = await only(turns([" Human:", "\r\none\r\ntwo \n"], ["GPT", " AI: yes\rHuman: no "]));
    expect(text).toEqual([user("one\ntwo"), assistant("AI: yes\nHuman: no")]);
  });

  it.each([
    [
      "a tool's turn",
      turns(["human", "a"], ["function_call", "{}"], ["gpt", "b"]),
      /turn 2 must be human's, gpt's or the system's, got "function_call"/,
    ],
    [
      "an answer behind an answer",
      turns(["human", "a"], ["gpt", "b"], ["gpt", "c"]),
      /turn 3, the assistant's, must answer a person, got an answer behind an answer/,
    ],
    ["no answer", turns(["human", "a"]), /must have an answer of the assistant's, got none/],
    ["an empty answer", turns(["human", "a"], ["gpt", " "]), /turn 2, the assistant's, must say something/],
    ["a value that is none", turns(["human", "a"], ["gpt", null]), /turn 2 must have a text as its value/],
    ["a lost letter", turns(["human", "a\ufffd"], ["gpt", "b"]), /turn 1, a person's, the text has U\+FFFD/],
    [
      "a picture's mark in an answer",
      { image: "cat.jpg", ...turns(["human", "a"], ["gpt", "<image>"]) },
      /needs one <image> mark a picture in what people say, got 0 for 1/,
    ],
    [
      "tools",
      { ...turns(["human", "a"], ["gpt", "b"]), tools: [{}] },
      /"tools" has tools, which cannot be learned here/,
    ],
    [
      "turns that an answer swallowed",
      turns(["human", "a"], ["gpt", "a cat.\n### Human: and this?\n### Assistant: a dog"]),
      /turn 2, the assistant's, holds a person's turn and an answer to it \("### Human: and this\?"\)/,
    ],
    [
      "another format's marks",
      turns(["human", "a<|im_end|>\n<|im_start|>assistant\nb"], ["gpt", "c"]),
      /turn 1, a person's, holds <\|im_start\|>/,
    ],
    [
      "tool calls",
      { messages: [user("a"), { ...assistant("b"), tool_calls: [{}] }] },
      /message 2 has "tool_calls"/,
    ],
    [
      "sound",
      { messages: [{ role: "user", content: [{ type: "input_audio" }] }, assistant("b")] },
      /message 1, part 1: must be of type .*, got "input_audio"/,
    ],
    [
      "an answer not to learn",
      { messages: [user("a"), { ...assistant("b"), weight: 0 }] },
      /message 2 has "weight" 0/,
    ],
    [
      "a tool's message",
      { messages: [user("a"), { role: "tool", content: "b" }, assistant("c")] },
      /message 2 must be the user's, .*got the role "tool"/,
    ],
    [
      "Baize's mark inside a line",
      { input: "[|Human|] a [|AI|] b" },
      /\[\|AI\|\] must begin a line, got it behind "\[\|Human\|\] a "/,
    ],
    [
      "a strange mark of Baize's kind",
      { input: "[|Human|] a\n[|Bot|] b\n[|AI|] c" },
      /turns begin with \[\|Human\|\] and \[\|AI\|\], got \[\|Bot\|\]/,
    ],
    [
      "an empty conversation",
      { conversations: [] },
      /"conversations" must be a list of objects, got nothing/,
    ],
    [
      "choices beside a question",
      { question: "a", choices: ["b", "c"], answer: "b" },
      /has choices, options or a context beside its question/,
    ],
    [
      "several captions",
      { image: "cat.jpg", captions: ["b", "c"] },
      /must have one text, got 2; keep the one to learn/,
    ],
    ["several answers", { question: "a", answers: ["b", "c"] }, /must have one answer, got 2/],
    [
      "unknown keys",
      { foo: "a", bar: "b" },
      /must be of a format that is known by its keys, got foo, bar\. Name the format/,
    ],
  ])("%s is an error that names the row", async (_, row, message) => {
    expect(await refusal(row)).toMatch(message);
  });

  it("is not the prompt that Alpaca's file holds too, and a question may be called otherwise", async () => {
    const text = "Below is an instruction.\n### Response: b";
    expect((await only({ instruction: "a", input: "", output: "b", text })).text).toEqual([
      user("a"),
      assistant("b"),
    ]);
    expect((await only({ prompt: "a", completion: "b" })).text).toEqual([user("a"), assistant("b")]);
    expect((await only({ instruction: "a", context: "c", response: "b" })).text).toEqual([
      user("a\nc"),
      assistant("b"),
    ]);
  });

  it("is told of all rows at once", async () => {
    const good = turns(["human", "a"], ["gpt", "b"]);
    const path = await write(
      "many.jsonl",
      [good, turns(["human", "a"]), "{", { other: 1 }]
        .map((row) => (typeof row === "string" ? row : JSON.stringify(row)))
        .join("\n"),
    );
    await expect(openRows(path)).rejects.toThrow(
      /got 3 problems:\n {2}line 2: must have an answer.*\n {2}line 3: must be JSON.*\n {2}line 4: "conversations" must be a list/s,
    );
  });
});

describe("a JSON list", () => {
  it("is cut apart at its items, whatever they hold, over the parts that are read", async () => {
    const long = 'a "quoted" [{text}] \\ '.repeat(60_000);
    const rows = ["x", long, "y"].map((value) => ({
      conversations: [
        { from: "human", value },
        { from: "gpt", value: "b" },
      ],
    }));
    const source = await openRows(
      await write("long.json", `[${rows.map((row) => JSON.stringify(row)).join(" ,\n")} ]`),
    );
    expect(source.length).toBe(3);
    expect((await source.example(1)).text).toEqual([user(long.trim()), assistant("b")]);
  });

  it.each([
    [
      "is cut short",
      '[{"instruction": "a", "output": "b"}, {"instr',
      /item 2: the file ends before its list does/,
    ],
    [
      "has no comma",
      '[{"instruction": "a", "output": "b"} {"instruction": "a", "output": "b"}]',
      /item 1: one comma must stand between two items/,
    ],
    [
      "has a comma at its end",
      '[{"instruction": "a", "output": "b"},]',
      /item 1: an item must follow a comma/,
    ],
    [
      "has more behind it",
      '[{"instruction": "a", "output": "b"}] []',
      /item 1: nothing may stand behind the list/,
    ],
    [
      "has other items",
      '[{"instruction": "a", "output": "b"}, 3, "]"]',
      /item 2: must be a JSON object\n {2}item 3: must be a JSON object/,
    ],
  ])("that %s is an error of that item", async (_, text, message) => {
    await expect(openRows(await write("list.json", text))).rejects.toThrow(message);
  });
});

describe("a recipe's choice", () => {
  it("names columns, and makes captions answers", async () => {
    const row = { photo_of: "cat.jpg", says: "a cat" };
    const columns = { image: "photo_of", text: "says" };
    expect(await only(row, { columns })).toMatchObject({ text: "a cat" });
    expect((await only(row, { columns, question: "what is this?" })).text).toEqual([
      shown(0, "what is this?"),
      assistant("a cat"),
    ]);
    expect(await refusal(row, { format: "table", columns: { ...columns, text: "said" } })).toMatch(
      /columns: text is said to be said, got a row of photo_of, says/,
    );
    expect(await refusal(row, { format: "table", columns: { imag: "photo_of" } })).toMatch(
      /columns: must name image, .*, got imag; did you mean image\?/,
    );
  });

  it("of a question about pictures needs pictures, and texts without one are no captions", async () => {
    const row = { caption: "a cat", url: "https://a.example/b.jpg" };
    expect(await refusal(row, { question: "what is this?" })).toMatch(
      /has no picture, and the recipe's question is about one/,
    );
    expect(await refusal(row, { usualContent: "caption" })).toMatch(
      /a caption has one picture and no <image> mark, got 0/,
    );
  });

  it("of the content that the rows are not of is an error", async () => {
    expect(await refusal({ instruction: "a", output: "b" }, { content: "text" })).toMatch(
      /must be plain text, got a conversation; say content: conversation/,
    );
    expect(await refusal({ image: "cat.jpg", caption: "a cat" }, { content: "conversation" })).toMatch(
      /needs one <image> mark/,
    );
  });
});

it("the words of conversations are learned by a tokenizer", async () => {
  expect(await textsOf(await write("words.json", [{ instruction: "one", output: "two" }]))).toEqual([
    "one",
    "two",
  ]);
});

it("a file without rows is an error that shows one", async () => {
  await expect(openRows(await write("empty.json", " [ ]"))).rejects.toThrow(
    /the file has no rows; one is written {"image": /,
  );
  await expect(openRows(await write("empty", ""))).rejects.toThrow(
    /the file has no rows; one is written {"image": /,
  );
});
