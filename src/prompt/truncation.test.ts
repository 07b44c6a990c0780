import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import {
  ContextLengthError,
  encodeConversation,
  type Message,
  type PromptTemplate,
  positionsForAnswer,
  publishedTemplate,
  truncateConversation,
} from "./index.ts";

const own = await loadTokenizer(fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url)));
const tokensPerImage = 5;
const template: PromptTemplate = { ...publishedTemplate, system: "be good" };

const says = (text: string) => ({ type: "text", text }) as const;
const picture = (image: string) => ({ type: "image", image }) as const;
const film = (video: string) => ({ type: "video", video }) as const;
type Said = Message<string, string>;
const user = (...content: Exclude<Said["content"], string>): Said => ({ role: "user", content });
const answer = (content: string): Said => ({ role: "assistant", content });

const fitted = (messages: Said[], positions: number, more: object = {}) =>
  truncateConversation(messages, own, { tokensPerImage, template, positions, maxNewTokens: 16, ...more });
const whole = (messages: Said[], more: object = {}) =>
  encodeConversation(messages, own, { tokensPerImage, template, ...more });

/** So many turns, each with a number. */
const turns = (count: number): Said[] =>
  Array.from({ length: count }, (_, i) => [user(says(`question ${i}`)), answer(`answer ${i}`)]).flat();

describe("room for an answer", () => {
  test("is what it may take, at most an eighth of the positions, at least one", () => {
    expect(positionsForAnswer(2048, 512)).toBe(256);
    expect(positionsForAnswer(2048, 40)).toBe(40);
    expect(positionsForAnswer(4, 100)).toBe(1);
  });
});

describe("a conversation that fits", () => {
  test("is left as it is, up to the last position", () => {
    const messages = [...turns(3), user(says("last"))];
    const { ids } = whole(messages);
    const short = { maxNewTokens: 4 };
    const exact = ids.length + 4 - 1;
    expect(fitted(messages, exact, short)).toEqual({ ...whole(messages), notes: [] });
    expect(fitted(messages, exact - 1, short).notes).toHaveLength(1);
  });
});

describe("a conversation that no longer fits", () => {
  test("loses as many of its oldest turns as must go, and says so", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 70, max: 400 }), (count, positions) => {
        const messages = [...turns(count), user(says("last"))];
        const { text, ids, notes } = fitted(messages, positions);
        const most = positions + 1 - positionsForAnswer(positions, 16);
        const left = [...Array(count + 1).keys()].find(
          (some) => whole(messages.slice(2 * some)).ids.length <= most,
        );
        expect(left).toBeDefined();
        expect({ text, ids }).toEqual({
          text: whole(messages.slice(2 * left!)).text,
          ids: whole(messages.slice(2 * left!)).ids,
        });
        const those = left === 1 ? "its oldest turn was" : `its ${left} oldest turns were`;
        expect(notes).toEqual(
          left === 0
            ? []
            : [`The conversation no longer fits the model's ${positions} positions: ${those} left out.`],
        );
      }),
      { numRuns: 25, seed: 1 },
    );
  });

  test("keeps its system message, and an answer with its question", () => {
    const messages = [{ role: "system" as const, content: "be an owl" }, ...turns(40), user(says("last"))];
    const { text } = fitted(messages, 120);
    expect(text).toMatch(/^be an owl\nHuman: question (\d+)\nAI: answer \1\nHuman: /);
    expect(text).toMatch(/\nHuman: last\nAI: $/);
  });

  test("questions without an answer are turns; what the model said first goes first", () => {
    const messages = [
      answer("hello"),
      user(says("a ".repeat(60))),
      user(says("b")),
      answer("c"),
      user(says("d")),
    ];
    const { text, notes } = fitted(messages, 80);
    expect(text).toBe("be good\nHuman: b\nAI: c\nHuman: d\nAI: ");
    expect(notes[0]).toContain("its 2 oldest turns were left out");
  });

  test("keeps the pictures of what is left out in front of what is kept", () => {
    const messages = [
      user(picture("a"), says("what? ".repeat(8))),
      answer("an owl"),
      user(says("and this? ".repeat(8)), film("v")),
      answer("a cat"),
      { role: "user" as const, content: "what do both eat?" },
    ];
    const { text, media, ids } = fitted(messages, 90);
    expect(text).toBe("be good\nHuman: <image>\nHuman: <|video|>\nHuman: what do both eat?\nAI: ");
    expect(media).toEqual([picture("a"), film("v")]);
    expect(ids.filter((id) => id < 0)).toHaveLength(2 * tokensPerImage);
    const frames = fitted(messages, 130, { framesPerVideo: 2 });
    expect(frames.text).toContain(
      "Human: <image>\nHuman: Frame 1 of 2: <image>\nHuman: Frame 2 of 2: <image>\nHuman: what do",
    );
  });

  test("gives up older pictures only where nothing else is left to go, oldest first", () => {
    const shown = ["a", "b", "c", "d", "e"].flatMap((name) => [
      user(picture(name), says("what?")),
      answer("x"),
    ]);
    const messages = [...shown, film("v")].flatMap((one) =>
      "role" in one ? [one] : [user(one, says("what?")), answer("y")],
    );
    const { media, notes, text } = fitted([...messages, user(picture("last"), says("and this?"))], 100);
    const kept = media.length - 1;
    expect(media).toEqual(
      [...["a", "b", "c", "d", "e"].map(picture), film("v")].slice(6 - kept).concat(picture("last") as never),
    );
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(6);
    expect(notes).toEqual([
      `The conversation no longer fits the model's 100 positions: its 6 oldest turns were left out, with ${6 - kept} pictures.`,
    ]);
    expect(text.match(/AI: /g)).toHaveLength(1);
    const last = user(says("word ".repeat(7)));
    const none = fitted([...messages, last], whole([last]).ids.length + 4, { maxNewTokens: 4 });
    expect(none.media).toEqual([]);
    expect(none.notes[0]).toContain("with 5 pictures and 1 video.");
  });

  test("is refused where the last message alone is too long; one that leaves less room is taken", () => {
    const last = user(says("word ".repeat(12)));
    const needed = whole([last]).ids.length;
    expect(fitted([...turns(2), last], needed).ids).toHaveLength(needed);
    const run = (): unknown => fitted([...turns(2), last], needed - 1);
    expect(run).toThrow(ContextLengthError);
    expect(run).toThrow(`must fit the model's ${needed - 1} positions, got ${needed}; the last message`);
    try {
      run();
    } catch (error) {
      expect(error).toMatchObject({ needed, available: needed - 1 });
    }
  });

  test("tells what is wrong with messages that it would leave out", () => {
    const messages = [answer("x"), { role: "robot", content: "y" } as never, ...turns(50), user(says("z"))];
    expect(() => fitted(messages, 100)).toThrow('message 1: role "robot"');
  });
});

test("a very long conversation costs what is kept of it", () => {
  let letters = 0;
  const counting: Tokenizer = {
    ...own,
    encodeParts: (parts) => {
      for (const { text } of parts) letters += text.length;
      return own.encodeParts(parts);
    },
  };
  const options = { tokensPerImage, template, positions: 512, maxNewTokens: 16 };
  const messages = [...turns(20_000), user(says("last"))];
  const { notes, text } = truncateConversation(messages, counting, options);
  expect(notes[0]).toMatch(/its 19\d{3} oldest turns were left out/);
  expect(letters).toBeLessThan(20 * text.length);
});
