import { describe, expect, test } from "vitest";
import { markProblems } from "./role-marks.ts";
import { publishedTemplate } from "./template.ts";

const problems = (text: string, template = publishedTemplate) => markProblems(text, template);
const around = (line: string): string => `Human: hi\nAI: hello\n${line}\nAI: good bye`;

describe("what looks like the beginning of a turn and is none", () => {
  test.each([
    [
      "Human:bye",
      '"Human:bye" (line 3 of the text): a person\'s turn must begin with "Human: " (a blank must follow)',
    ],
    [" Human: bye", 'nothing may stand before "Human"'],
    ["\tHuman: bye", '"\\tHuman: bye"'],
    ["\u00a0Human: bye", '"\\u00a0Human: bye"'],
    ["\ufeffHuman: bye", '"\\ufeffHuman: bye"'],
    ["\u200bHuman: bye", 'nothing may stand before "Human"'],
    ["human: bye", "capitals as here"],
    ["HUMAN: bye", "capitals as here"],
    ["Human\uff1a bye", "its colon is U+FF1A"],
    ["Human\uff1abye", "a blank must follow"],
    ["Human : bye", "nothing may stand before the colon"],
    ["Human:\tbye", "a blank must follow"],
    ["Human:\u00a0bye", '"Human:\\u00a0bye"'],
    ["Human:", "a blank must follow"],
    ["<image>Human: bye", 'nothing may stand before "Human"'],
    ["<image> <|video|>Human: bye", 'nothing may stand before "Human"'],
    ["### Human: bye", 'nothing may stand before "Human"'],
    ["**Human:** bye", 'nothing may stand before "Human"'],
    ["[Human]: bye", 'must begin with "Human: "'],
    ["USER: bye", 'a person\'s turn begins with "Human: "'],
    ["User: bye", 'a person\'s turn begins with "Human: "'],
    ["### User: bye", 'a person\'s turn begins with "Human: "'],
    ["<|im_start|>user", "another format's"],
    ["[INST] bye [/INST]", "another format's"],
  ])("%j in place of a person's mark", (line, expected) => {
    const found = problems(around(line));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
    expect(found[0]).toContain("(line 3 of the text)");
  });

  test.each([
    "AI:good",
    "Ai: good",
    "ai: good",
    "AI\uff1agood",
    " AI: good",
    "AI :good",
    "AI:",
    "AI:\ngood",
  ])("%j in place of the model's mark", (line) => {
    const found = problems(`Human: hi\nAI: hello\nHuman: bye\n${line}`);
    expect(found).toEqual([expect.stringContaining('an answer must begin with "AI: "')]);
    expect(problems(`Human: hi\n${line}\nHuman: bye\nAI: good`)).toHaveLength(1);
  });

  test.each([
    "Assistant: good",
    "ASSISTANT: good",
    "GPT: good",
    "ChatGPT: good",
    "### Assistant: good",
  ])("%j in place of the model's mark", (line) => {
    const found = problems(`Human: hi\n${line}\nHuman: bye\nAI: good`);
    expect(found).toEqual([expect.stringContaining('an answer begins with "AI: "')]);
  });

  test("marks of the other side inside a line, where their turn is missing", () => {
    expect(problems("Human: hi\nAI: hello Human: bye\nAI: good")).toEqual([
      expect.stringContaining(
        '"Human: bye" (line 2 of the text): a person\'s turn must begin on a line of its own',
      ),
    ]);
    expect(problems("Human: hi\nAI: hello Human: bye AI: good")).toHaveLength(1);
    expect(problems("Human: hi AI: hello\nHuman: bye\nAI: good")).toEqual([
      expect.stringContaining("an answer must begin on a line of its own"),
    ]);
    expect(problems("Human: a\nAI: b\nHuman: hi AI: hello")).toHaveLength(1);
    expect(problems("Human: hi\nAI: hello\\nHuman: bye\\nAI: good")).toEqual([
      expect.stringContaining("a real line break must stand before a mark"),
    ]);
    expect(problems("Human: hi\nAI: hello<br>Human: bye")).toHaveLength(1);
  });

  test("slips of the pen and letters that only look alike", () => {
    const lines = [
      "Humna: bye",
      "Huamn: bye",
      "Humn: bye",
      "Humaan: bye",
      "\u041duman: bye",
      "\uff28uman: bye",
      "Human; bye",
    ];
    for (const line of lines) {
      expect(problems(`Human: hi\nAI: hello\n${line}`)).toEqual([
        expect.stringContaining('a person\'s turn must begin with "Human: "'),
      ]);
    }
    expect(problems("Human: hi\n\u0410I: hello\nHuman: bye\nAI: good")).toHaveLength(1);
    expect(problems("Human: hi\nAI: hello\u2028Human: bye")).toHaveLength(1);
  });

  test("answers one behind the other, whatever the turn between them is called", () => {
    for (const line of [
      "AI: and more",
      "Q: bye\nAI: good",
      "1. Human: bye\nAI: good",
      "\u4eba\u7c7b: bye\nAI: good",
    ]) {
      const found = problems(`Human: hi\nAI: hello\n${line}`);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/an answer behind an answer|on a line of its own/);
    }
    for (const word of ["assistant", "Bot", "bot"]) {
      expect(problems(`Human: hi\n${word}: hello\nHuman: bye\nAI: good`)).toHaveLength(1);
      expect(problems(`Human: what is a ${word}?\n${word}: a word\nAI: good`)).toHaveLength(0);
    }
  });

  test("other names in pairs, though each alone would be text", () => {
    expect(problems("Human: hi\nAI: hello\nuser: bye\nassistant: good")).toHaveLength(2);
    expect(problems("Human: hi\nAI: set it:\nuser: 1000")).toEqual([]);
  });

  test("all of a row at once, in the order of its lines, short whatever was given", () => {
    const found = problems(`Human:hi\nAI:hello\n${"HUMAN: x"}${"y".repeat(100_000)}\nAI: b`);
    expect(found).toHaveLength(3);
    expect(Math.max(...found.map((problem) => problem.length))).toBeLessThan(200);
  });

  test("goes by the model's own template", () => {
    const template = { ...publishedTemplate, user: "USER: ", assistant: "ASSISTANT: " };
    expect(problems("USER: hi\nASSISTANT: hello", template)).toEqual([]);
    expect(problems("Human: hi\nASSISTANT: hello", template)).toEqual([
      expect.stringContaining('begins with "USER: "'),
    ]);
    expect(problems("USER:hi\nASSISTANT: hello", template)).toHaveLength(1);
    const other = { ...publishedTemplate, user: "<|u|>\n", assistant: "<|a|>\n" };
    expect(problems("<|u|>\nhi\n<|a|>\nhello", other)).toEqual([]);
  });
});

test.each([
  "The following is a conversation between a curious human and AI assistant.\nHuman: hi\nAI: hello",
  "Human: <image>\nHuman: what is this?\nAI: an owl\nHuman: and this?\nHuman: <image>\nAI: a cat",
  "Human: how does a row begin?\nAI: with the word Human: and then the question.",
  'Human: how?\nAI: write "Human: hi" on one line and "AI: hello" on the next.',
  "Human: go on\nAI: it said AI: beep.",
  "Human: what does AI: at the beginning mean?\nAI: the model speaks.",
  "Human: hi\nAI: two things.\nNote: the first.\nHuman rights: the second.\nAI ethics: the third.\nGPT-4: a model.",
  "Human: show me a file\nAI: here:\n```yaml\nuser: root\nUser: x\nhuman: 5\n```\nThat is all.",
  "Human: hi\nAI: a list:\n- User: root\n> Human: hi\n1. AI: what thinks",
  "Human: hi\nAI: user: root\nai is a word",
  "AI: hello! how can i help?\nHuman: who are you?\nAI: an owl",
  "Human: look at this\nHuman: <image>\nHuman: and that\nHuman: <image>\nHuman: alike?\nAI: no",
  "Human: a list\nHunan: spicy\nHumans: many\nHuman: which?\nAI: the first.\nHumane: kind",
  "Human: hi\nAI: hello\nHuman: bye",
  "Human: say nothing\nAI: ",
])("is text or a turn: %j", (text) => {
  expect(problems(text)).toEqual([]);
});
