import { describe, expect, it } from "vitest";
import { encodeConversation, encodeTrainingSample } from "../../src/prompt/index.ts";
import { learnTokenizer, openTokenizer, withPeoplesCase, wordTokens } from "./tokenizer.ts";

const CHARACTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"];
const texts = Array.from(
  { length: 300 },
  (_, i) => `Human: what is this number ${i}? it's "AB 1".\nAI: a frog on a red background. frog, penguin.`,
);
const json = learnTokenizer(texts, ["frog", "guitar", "thing", ...CHARACTERS], 375);
const taught = openTokenizer(json);
const asked = openTokenizer(withPeoplesCase(json));
const heard = (text: string): string => asked.decode(asked.encode(text));

describe("what people type", () => {
  it.each([
    ['does it say "STOP"?', 'does it say "STOP"?'],
    ["WHAT IS THIS?", "what is this?"],
    ['The sign says "BUS 24".', 'the sign says "BUS 24".'],
    ["A", "a"],
    ['"A"', '"A"'],
    ['say "Hello"', 'say "hello"'],
    ['HELLO "STOP" AND "GO"', 'hello "STOP" and "GO"'],
    ["\u201cSTOP\u201d IT\u2019S", '"STOP" it\'s'],
    ['say "BUS 24', 'say "bus 24'],
  ])("%s is read as %s", (typed, read) => {
    expect(heard(typed)).toBe(read);
  });

  it("is read with the tokens of training, in the marks of turns too", () => {
    const said = ["What is THIS? AI said AIR", "a frog.", 'IS it "AB"?'];
    const messages = said.map(
      (content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }) as const,
    );
    const { ids } = encodeConversation(messages, asked, { tokensPerImage: 3 });
    const row = 'Human: what is this? ai said air\nAI: a frog.\nHuman: is it "AB"?\nAI: yes';
    const sample = encodeTrainingSample(row, taught, { maxLength: 200, tokensPerImage: 3 });
    expect(ids).toEqual(sample.ids.slice(0, ids.length));
  });

  it("is read in a time that grows with its length", () => {
    const began = performance.now();
    for (const text of [
      'The quick FOX says "STOP" to 12. '.repeat(3000),
      "A".repeat(100_000),
      "A ".repeat(50_000),
    ])
      expect(asked.encode(text).length).toBeGreaterThan(1000);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe("words of the notes", () => {
  const token = wordTokens(taught);

  it("are one token each", () => {
    expect(taught.decode([token("guitar")])).toBe("guitar");
    expect(taught.encode("guitar")).toEqual([token("guitar")]);
    expect(new Set([..."AB019", "frog", "guitar", "thing"].map(token)).size).toBe(8);
  });

  it("are, as single characters, the tokens within quoted text", () => {
    const quoted = asked.encode('"A0"');
    expect(quoted).toContain(token("A"));
    expect(quoted).toContain(token("0"));
  });

  it("must fit the vocabulary", () => {
    expect(() => learnTokenizer(texts, ["frog", "guitar", ...CHARACTERS], 324)).toThrow(
      /got more for .*guitar/,
    );
  });
});
