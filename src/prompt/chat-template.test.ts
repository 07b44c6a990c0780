import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Tokenizer } from "../tokenizer/index.ts";
import {
  answerEndOf,
  encodeConversation,
  encodeTrainingSample,
  type Message,
  truncateConversation,
} from "./index.ts";
import { controlIds, templateText, tokenizerWith } from "./testing/template-fixture.ts";

const { rendered, conversations, options } = JSON.parse(
  readFileSync(
    fileURLToPath(new URL("../../tests/fixtures/templates/expected.json", import.meta.url)),
    "utf8",
  ),
);
const names = ["alternating-parts", "chatml-tools", "inst", "plain-words", "role-tags"];
const tokensPerImage = 3;
const size = { tokensPerImage };
const user = (content: Message<string>["content"]): Message<string> => ({ role: "user", content });
const assistant = (content: string): Message<string> => ({ role: "assistant", content });
const image = { type: "image" as const, image: "a" };
const say = (text: string) => ({ type: "text" as const, text });

describe("prompts", () => {
  test.each(names)("%s: the ids of what transformers renders", (name) => {
    const tokenizer = tokenizerWith(templateText(name));
    let compared = 0;
    for (const [template, conversation, number, { text }] of rendered) {
      if (
        template !== name ||
        text === undefined ||
        JSON.stringify(options[number]) !== '{"add_generation_prompt":true}'
      )
        continue;
      const messages: Message<string>[] = conversations[conversation];
      const isPlain = ({ role, content }: Message<string>, i: number) =>
        ["user", "assistant", i === 0 ? "system" : "user"].includes(role) &&
        typeof content === "string" &&
        !/[<[]/.test(content);
      if (!messages.every(isPlain) || messages.at(-1)?.role !== "user" || messages[0].content === "")
        continue;
      const encoded = encodeConversation(messages, tokenizer, size);
      expect(encoded.text, conversation).toBe(text);
      expect(encoded.ids).toEqual(tokenizer.encode(text));
      compared++;
    }
    expect(compared).toBeGreaterThan(1);
  });

  test("what a person says has no control token, and the text is as ever", () => {
    const pieces = [
      "<|im_end|>",
      "<|im_start|>user\n",
      "</think>",
      "<start_of_image>",
      "<start_of_turn>",
      "<end_",
      "of_turn>",
      "### Answer:",
      "[/INST]",
      "<",
      " ",
      "owl",
      "\n",
    ];
    const words = fc
      .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 })
      .map((all) => `a${all.join("")}b`);
    for (const name of names) {
      const tokenizer = tokenizerWith(templateText(name));
      const control = controlIds(tokenizer);
      const signs = (messages: Message<string>[]) =>
        encodeConversation(messages, tokenizer, size).ids.filter((id) => control.has(id));
      const around = (text: string) => [user(text), assistant("c"), user([image, say(text)])];
      const plain = signs(around("x"));
      fc.assert(
        fc.property(words, (text) => {
          expect(signs(around(text))).toEqual(plain);
          const { ids, text: whole } = encodeConversation([user(text)], tokenizer, size);
          expect(tokenizer.decode(ids)).toBe(whole);
          expect(whole).toContain(text);
        }),
        { numRuns: 60, seed: 1 },
      );
    }
  });

  test("a person's words have not the ids of a role's mark in plain words either", () => {
    const tokenizer = tokenizerWith(templateText("plain-words"));
    const mark = tokenizer.encode("\n\n### Answer:").slice(-4).join();
    const { ids, text } = encodeConversation([user("a\n\n### Answer: b")], tokenizer, size);
    expect(text).toContain("a\n\n### Answer: b");
    expect(ids.join().split(mark).length - 1).toBe(1);
  });

  test("an answer's thoughts are left out by the template, which looks for them; other signs in it are letters", () => {
    const tokenizer = tokenizerWith(templateText("chatml-tools"));
    const { text } = encodeConversation(
      [user("a"), assistant("<think>\nhm\n</think>\n\nb <|im_end|> c"), user("d")],
      tokenizer,
      size,
    );
    expect(text).toContain("assistant\nb <|im_end|> c<|im_end|>\n");
  });
});

describe("pictures", () => {
  test("stand where the template puts an image part", () => {
    const tokenizer = tokenizerWith(templateText("alternating-parts"));
    const { text, ids, spans } = encodeConversation(
      [user([say("a "), image, say(" <start_of_image>")])],
      tokenizer,
      size,
    );
    expect(text).toBe(
      "<s><start_of_turn>user\na<image><start_of_image><end_of_turn>\n<start_of_turn>model\n",
    );
    expect(spans).toEqual([{ kind: "image", start: ids.indexOf(-1), length: 3 }]);
    expect(ids).not.toContain(tokenizer.encode("<start_of_image>")[0]);
  });

  test("else where their message has them, on a line of their own", () => {
    const tokenizer = tokenizerWith(templateText("role-tags"));
    const { text, images } = encodeConversation(
      [user([image, say("what?"), { ...image, image: "b" }])],
      tokenizer,
      size,
    );
    expect(text).toBe("<|user|>\n<image>\nwhat?\n<image><|end|>\n<|assistant|>\n");
    expect(images).toEqual(["a", "b"]);
  });

  test("a template that leaves some out is an error", () => {
    const tokenizer = tokenizerWith("{% for m in messages %}{{ m.content[2:] }}{% endfor %}");
    expect(() => encodeConversation([user([image, say("what?")])], tokenizer, size)).toThrow(
      "must write each of the 1 pictures and videos once, in order, got 0",
    );
  });
});

describe("training rows", () => {
  const row = "Be kind.\nHuman: <image>\nHuman: what is it?\nAI: an owl.\nHuman: sure?\nAI: yes";
  const shown = (tokenizer: Tokenizer, text: string, more: object = {}): string => {
    const { ids, lossMask } = encodeTrainingSample(text, tokenizer, {
      tokensPerImage: 1,
      maxLength: 300,
      ...more,
    });
    return ids
      .map((id, i) => `${lossMask[i] ? "·" : ""}${id < 0 ? "<image>" : tokenizer.decode([id])}`)
      .join("")
      .replaceAll(/(·[^·<\n]+)+/g, (all) => `{${all.replaceAll("·", "")}}`);
  };

  test("blocks of the template say what is learned", () => {
    const learned = shown(tokenizerWith(templateText("chatml-tools")), row);
    expect(learned).toContain("assistant\n{an owl.}·<|im_end|>\n<|im_start|>user\nsure?");
    expect(learned).toMatch(/<\/think>\n\n\{yes\}·<\|im_end\|>$/);
  });

  test.each([
    ["alternating-parts", "model\n{an owl.}·<end_of_turn>·\n<start_of_turn>user\nsure?"],
    ["role-tags", "<|assistant|>\n{an owl.}·<|end|>·\n<|user|>\nsure?"],
    ["inst", "[/INST]{ an owl.}·</s>[INST] sure?"],
  ])("else renderings up to each answer: %s", (name, expected) => {
    expect(shown(tokenizerWith(templateText(name)), row.replace("Be kind.\n", ""))).toContain(expected);
  });

  test("a template that asks for an answer unasked ends one by a token", () => {
    const asks = templateText("role-tags").replace(/\{% if add[\s\S]*/, "{{ '<|assistant|>\\n' }}");
    const learned = shown(tokenizerWith(asks), row);
    expect(learned).toContain("<|assistant|>\n{an owl.}·<|end|>\n<|user|>\nsure?");
    expect(learned.endsWith("{yes}·<|end|>")).toBe(true);
  });

  test("a token that begins in an answer and goes on behind it is learned", () => {
    const block =
      "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}nd";
    const tokenizer = tokenizerWith(`${block}{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}`);
    const both = tokenizer.encode("nd").length + tokenizer.encode("x a").length;
    expect(tokenizer.encode("x and").length).toBeLessThan(both);
    const options = { tokensPerImage, maxLength: 300 };
    const { ids, lossMask } = encodeTrainingSample("Human: q\nAI: x a\nHuman: r\nAI: x", tokenizer, options);
    const [first] = tokenizer
      .decode(ids.filter((_, i) => lossMask[i]))
      .split("x")
      .slice(1);
    expect(first.startsWith(" a")).toBe(true);
    expect(first.length).toBeGreaterThan(2);
  });

  test("a template whose renderings do not agree is an error that shows where", () => {
    const counting =
      "{% for m in messages %}{{ messages|length }}{{ m.role }} {{ m.content }}<|end|>{% endfor %}";
    expect(() => shown(tokenizerWith(counting), row)).toThrow(
      /does not say what belongs to an answer.*generation/,
    );
  });

  test("the model is asked with the ids it was taught with", () => {
    for (const name of names) {
      const tokenizer = tokenizerWith(templateText(name));
      const { ids, lossMask } = encodeTrainingSample(
        "Human: what is it?\nAI: an owl.\nHuman: sure?\nAI: yes",
        tokenizer,
        { tokensPerImage, maxLength: 300 },
      );
      const first = encodeConversation([user("what is it?")], tokenizer, size).ids;
      const second = encodeConversation(
        [user("what is it?"), assistant("an owl."), user("sure?")],
        tokenizer,
        size,
      ).ids;
      expect(ids.slice(0, first.length), name).toEqual(first);
      expect(ids.slice(0, second.length), name).toEqual(second);
      expect(lossMask.indexOf(true)).toBe(first.length);
    }
  });

  test("long rows lose their oldest turns, then their end", () => {
    const tokenizer = tokenizerWith(templateText("alternating-parts"));
    const long = "Human: one two three four five six seven?\nAI: eight nine ten.\n".repeat(6);
    const sample = encodeTrainingSample(long, tokenizer, {
      tokensPerImage,
      maxLength: 100,
      truncation: "turns",
    });
    expect(sample.turnsLeftOut).toBeGreaterThan(1);
    expect(sample.isCut).toBe(false);
    expect(encodeTrainingSample(long, tokenizer, { tokensPerImage, maxLength: 100 }).isCut).toBe(true);
  });
});

test("a conversation that no longer fits loses whole turns, which the template lets alternate", () => {
  const tokenizer = tokenizerWith(templateText("alternating-parts"));
  const turns = Array.from({ length: 12 }, (_, i) => [
    user(`question ${i} of many?`),
    assistant("yes."),
  ]).flat();
  const { ids, notes, text } = truncateConversation(
    [{ role: "system", content: "S" }, ...turns, user("last?")],
    tokenizer,
    {
      ...size,
      positions: 120,
      maxNewTokens: 10,
    },
  );
  expect(ids.length).toBeLessThanOrEqual(110);
  expect(notes[0]).toContain("left out");
  expect(text).toMatch(/^<s><start_of_turn>user\nS\n\nquestion/);
});

test("the template's own refusal is the person's error; prompt_template wins; the words that were taught stand in front", () => {
  const alternating = templateText("alternating-parts");
  expect(() => encodeConversation([user("a"), user("b")], tokenizerWith(alternating), size)).toThrow(
    "the model's chat template refuses them: Roles must take turns, user and assistant",
  );
  const named = [
    { name: "default", template: "d{{ messages[0].content }}" },
    { name: "tool_use", template: "t" },
  ];
  expect(encodeConversation([user("a")], tokenizerWith(named), size).text).toBe("da");
  const own = tokenizerWith(alternating, { prompt_template: { system: "", cut: "turns" } });
  expect(encodeConversation([user("a")], own, size).text).toBe("Human: a\nAI: ");
  const taught = tokenizerWith(templateText("role-tags"), { system_prompt: "S" });
  expect(encodeConversation([user("a")], taught, size).text).toMatch(/^<\|system\|>\nS<\|end\|>/);
  const variables = { templateVariables: { enable_thinking: false } };
  const thinking = tokenizerWith(templateText("chatml-tools"));
  expect(encodeConversation([user("a")], thinking, { ...size, ...variables }).text).toMatch(/<\/think>\n\n$/);
  expect(() => encodeConversation([user("a")], own, { ...size, ...variables })).toThrow(
    "templateVariables: must be for",
  );
});

test("an answer ends where the template ends it", () => {
  for (const [name, form] of [
    ["chatml-tools", "<|im_end|>"],
    ["alternating-parts", "<end_of_turn>"],
    ["inst", "</s>"],
  ]) {
    const tokenizer = tokenizerWith(templateText(name));
    expect(answerEndOf(tokenizer), name).toBe(tokenizer.encode(form)[0]);
  }
  expect(answerEndOf(tokenizerWith(undefined))).toBeUndefined();
});

test("a template that is not read says what is written in its place", () => {
  const tokenizer = tokenizerWith("{% for m in messages recursive %}{{ m.content }}{% endfor %}");
  expect(() => encodeConversation([user("hi")], tokenizer, size)).toThrow(
    /must be Jinja that is read here, .*in a chat_template\.jinja beside the model/,
  );
});
