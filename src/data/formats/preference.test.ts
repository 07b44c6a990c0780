import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRows, recognisedFormat, writeGoodRows } from "../index.ts";
import { dataFormats } from "./formats.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-preference-"));
  const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
  await writeFile(join(directory, "cat.jpg"), await picture.png().toBuffer());
});
afterAll(() => rm(directory, { recursive: true }));

let made = 0;
/** The two conversations of one row. */
async function read(row: object) {
  const path = join(directory, `${made++}.jsonl`);
  await writeFile(path, JSON.stringify(row));
  expect(await recognisedFormat(path)).toBe("preference");
  const source = await openRows(path);
  expect(source.content).toBe("conversation");
  const { text, rejected, images } = await source.example(0);
  return { text, rejected, images: images.length };
}
const refusal = (row: object): Promise<string> => read(row).then(() => "taken", String);

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const human = (value: string) => ({ from: "human", value });
const gpt = (value: string) => ({ from: "gpt", value });
const seen = user([
  { type: "image", image: 0 },
  { type: "text", text: "what is this?" },
]);
const pair = {
  text: [user("hi"), assistant("hello")],
  rejected: [user("hi"), assistant("go away")],
  images: 0,
};
const seenPair = { text: [seen, assistant("a cat")], rejected: [seen, assistant("a dog")], images: 1 };

describe("pairs of answers", () => {
  test.each([
    ["texts", { prompt: "hi", chosen: "hello", rejected: "go away" }],
    ["messages", { prompt: [user("hi")], chosen: [assistant("hello")], rejected: [assistant("go away")] }],
    ["whole conversations", { chosen: pair.text, rejected: pair.rejected }],
    [
      "UltraFeedback's, with the prompt beside them",
      { prompt: "hi", chosen: pair.text, rejected: pair.rejected },
    ],
    [
      "Anthropic's HH",
      { chosen: "\n\nHuman: hi\n\nAssistant: hello", rejected: "\n\nHuman: hi\n\nAssistant: go away" },
    ],
    [
      "HH with its prompt apart",
      { prompt: "\n\nHuman: hi\n\nAssistant:", chosen: " hello", rejected: " go away" },
    ],
    ["LLaMA-Factory's", { conversations: [human("hi")], chosen: gpt("hello"), rejected: gpt("go away") }],
  ])("as %s", async (_, row) => {
    expect(await read(row)).toEqual(pair);
  });

  const images = ["cat.jpg"];
  const placed = [{ type: "image" }, { type: "text", text: "what is this?" }];
  test.each([
    ["in front of a prompt of text", { images, prompt: "what is this?", chosen: "a cat", rejected: "a dog" }],
    ["RLAIF-V's", { image: "cat.jpg", question: "what is this?", chosen: "a cat", rejected: "a dog" }],
    [
      "at marks",
      {
        images,
        prompt: [user("<image>what is this?")],
        chosen: [assistant("a cat")],
        rejected: [assistant("a dog")],
      },
    ],
    [
      "at parts",
      { images, prompt: [user(placed)], chosen: [assistant("a cat")], rejected: [assistant("a dog")] },
    ],
    [
      "in parts of whole conversations",
      {
        chosen: [user([{ type: "image", image: "cat.jpg" }, placed[1]]), assistant("a cat")],
        rejected: [user([{ type: "image", image: "cat.jpg" }, placed[1]]), assistant("a dog")],
      },
    ],
  ])("with pictures %s", async (_, row) => {
    expect(await read(row)).toEqual(seenPair);
  });

  test("with the system's words and earlier turns in both", async () => {
    const { text, rejected } = await read({
      system: "Be kind.",
      prompt: [user("hi"), assistant("hello"), user("bye")],
      chosen: "see you",
      rejected: "go",
    });
    const before = [{ role: "system", content: "Be kind." }, user("hi"), assistant("hello"), user("bye")];
    expect(text).toEqual([...before, assistant("see you")]);
    expect(rejected).toEqual([...before, assistant("go")]);
  });

  test("to an instruction with its input, and to earlier turns", async () => {
    const row = {
      instruction: "Translate to French",
      input: "good morning",
      chosen: "bonjour",
      rejected: "hola",
    };
    const asked = user("Translate to French\ngood morning");
    expect(await read(row)).toMatchObject({
      text: [asked, assistant("bonjour")],
      rejected: [asked, assistant("hola")],
    });
    const { text, rejected } = await read({ ...row, history: [["hi", "hello"]], system: "Be kind." });
    const before = [{ role: "system", content: "Be kind." }, user("hi"), assistant("hello"), asked];
    expect([text, rejected]).toEqual([
      [...before, assistant("bonjour")],
      [...before, assistant("hola")],
    ]);
    expect(await read({ input: "hi", chosen: "hello", rejected: "go away" })).toEqual(pair);
    const messages = { prompt: [user("hi")], input: "there", chosen: "hello", rejected: "go away" };
    expect(await refusal(messages)).toMatch('"input" stands behind a prompt of text, got it beside messages');
    const whole = { history: [["hm", "yes"]], chosen: pair.text, rejected: pair.rejected };
    expect(await refusal(whole)).toMatch('is a whole conversation, in which "prompt" must stand too');
    expect(await refusal({ prompt: "which?", options: ["a", "b"], chosen: "a", rejected: "b" })).toMatch(
      "has choices, options or a context beside its prompt",
    );
  });

  test("that are JSON are texts, unless they are messages", async () => {
    const [chosen, rejected] = ['[{"label": "cat"}]', '[{"label": "dog"}]'];
    expect(await read({ prompt: "[{}] what?", chosen, rejected })).toEqual({
      text: [user("[{}] what?"), assistant(chosen)],
      rejected: [user("[{}] what?"), assistant(rejected)],
      images: 0,
    });
    const stored = { chosen: JSON.stringify(pair.text), rejected: JSON.stringify(pair.rejected) };
    expect(await read(stored)).toEqual(pair);
  });

  test("that are none are refused", async () => {
    expect(await refusal({ prompt: [user("hi")], chosen: [], rejected: "go away" })).toMatch(/line 1/);
    expect(await refusal({ chosen: "hello", rejected: "go away" })).toMatch(
      '"prompt" must say what is answered',
    );
    expect(await refusal({ chosen: pair.text, rejected: [user("you"), assistant("go away")] })).toMatch(
      "must be answers to one conversation, got two that differ",
    );
    expect(await refusal({ prompt: "bye", chosen: pair.text, rejected: pair.rejected })).toMatch(
      '"chosen" is a whole conversation, in which "prompt" must stand too',
    );
    expect(await refusal({ prompt: "hi", chosen: "hello", rejected: " " })).toMatch(
      "the rejected answer: turn 2, the assistant's, must say something",
    );
    expect(await refusal({ prompt: "hi", chosen: 3, rejected: "no" })).toMatch(/line 1/);
  });

  test("are written as rows that say the same", async () => {
    const path = join(directory, "given.json");
    await writeFile(
      path,
      JSON.stringify([{ image: "cat.jpg", question: "what is this?", chosen: "a cat", rejected: "a dog" }]),
    );
    const out = join(directory, "elsewhere", "good.jsonl");
    const found = { problems: { isBad: () => false }, media: { pictures: 1, videos: 0, files: 1 } };
    await writeGoodRows(path, out, dataFormats.preference, {}, found as never);
    const source = await openRows(out);
    const { text, rejected, images } = await source.example(0);
    expect({ text, rejected, images: images.length }).toEqual(seenPair);
  });
});
