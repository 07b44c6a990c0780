import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ContextLengthError } from "../prompt/index.ts";
import type { ChatMessage } from "./chat.ts";
import { Owl } from "./owl.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const picture = `${root}/examples/owl.png`;

let owl: Owl;
let positions: number;
beforeAll(async () => {
  owl = await Owl.load(`${root}/models/owl-nano`, { threads: 1 });
  positions = owl.config.language.maxPositions;
});
afterAll(() => owl.close());

const says = (content: string): ChatMessage => ({ role: "user", content });
const talk = (turns: number): ChatMessage[] => [
  {
    role: "user",
    content: [
      { type: "image", image: picture },
      { type: "text", text: "what is this?" },
    ],
  },
  ...Array.from({ length: turns }, (_, i): ChatMessage[] => [
    { role: "assistant", content: "an owl on a red background." },
    says(`and what is the color behind it, asked for the ${i}th time?`),
  ]).flat(),
];
const leftOut =
  /^The conversation no longer fits the model's 1024 positions: its \d+ oldest turns were left out\.$/;

describe("a conversation that no longer fits", () => {
  test("goes on without its oldest turns, with its picture, and the answer says so", async () => {
    const settings = { maxNewTokens: 8 };
    const answer = await owl.chat(talk(90), settings).answer();
    expect(answer.notes).toEqual([expect.stringMatching(leftOut)]);
    expect(answer.ids.length).toBeGreaterThan(0);
    const prompt = await owl.prompt(talk(90), { ...settings, truncation: "auto" });
    expect(prompt.pictures).toHaveLength(1);
    expect(prompt.ids.length).toBeLessThanOrEqual(positions + 1 - 8);
    expect(answer.promptTokens).toBe(prompt.ids.length);
    expect(await owl.generate(prompt, settings)).toEqual(answer);
    expect(await owl.generateBatch([prompt], settings)).toEqual([answer]);
    expect(await owl.chatAll([talk(90)], settings)).toEqual([answer]);
    expect((await owl.chatAll([talk(90), talk(1)], settings)).map(({ notes }) => notes)).toEqual([
      answer.notes,
      undefined,
    ]);
  });

  test("reads no picture that was left out", async () => {
    const gone = Array.from({ length: 20 }, (_, i): ChatMessage[] => [
      { role: "user", content: [{ type: "image", image: i === 0 ? "gone.png" : picture }] },
      { role: "assistant", content: "hm" },
    ]).flat();
    const { notes } = await owl.chat([...gone, says("and now?")], { maxNewTokens: 2 }).answer();
    expect(notes?.[0]).toMatch(/its 20 oldest turns were left out, with \d+ pictures\.$/);
  });

  test("is refused with both numbers where nothing may be left out, before a picture is read", async () => {
    const long = talk(90);
    const needed = (await owl.prompt(talk(1))).ids.length;
    expect(needed).toBeLessThan(positions);
    const broken = [
      ...long.slice(0, -1),
      { role: "user" as const, content: [{ type: "image" as const, image: "gone.png" }] },
    ];
    for (const run of [
      () => owl.chat(long, { truncation: "disabled" }).text(),
      () => owl.chatAll([long], { truncation: "disabled" }),
      () => owl.prompt(long),
      () => owl.prompt(broken),
    ]) {
      const error = await run().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ContextLengthError);
      expect(error).toMatchObject({ available: positions, needed: expect.any(Number) });
    }
    const alone = owl.chat([says("cat ".repeat(1200))]).text();
    await expect(alone).rejects.toThrow(ContextLengthError);
    await expect(owl.chat([says("x")], { truncation: "yes" as never }).text()).rejects.toThrow(
      'truncation: must be one of "auto", "disabled", got "yes"',
    );
  });

  test("never comes to an end, whatever is answered", async () => {
    const said: ChatMessage[] = [];
    const kept: number[] = [];
    for (let i = 0; i < 24; i++) {
      said.push(says(`what do ${i} cats and ${i} dogs eat in the morning? `.repeat(9)));
      const { text, notes = [], ids } = await owl.chat(said, { maxNewTokens: 4 }).answer();
      expect(ids.length).toBeGreaterThan(0);
      kept.push(notes.length);
      said.push({ role: "assistant", content: text });
    }
    expect(kept[0]).toBe(0);
    expect(kept.slice(-8)).toEqual(new Array(8).fill(1));
  });
});

test("an answer cut because positions ran out says so, and one that its settings cut does not", async () => {
  const { length } = (await owl.prompt([says("hello")])).ids;
  const words = (await owl.prompt([says("hello cat")])).ids.length - length;
  const almost = says(`hello${" cat".repeat(Math.floor((positions - length) / words) - 1)}`);
  const settings = { noRepeatNgramSize: 0, eosTokenIds: [999], maxNewTokens: 400 };
  const { finishReason, notes } = await owl.chat([almost], settings).answer();
  expect(finishReason).toBe("length");
  expect(notes).toEqual(["The answer was cut: the model's 1024 positions are full."]);
  const short = await owl.chat([says("hello")], { ...settings, maxNewTokens: 3 }).answer();
  expect(short).toMatchObject({ finishReason: "length" });
  expect(short.notes).toBeUndefined();
});
