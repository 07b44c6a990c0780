import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { HostTensor } from "../tensor/index.ts";
import { createTokenizer, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import {
  encodeCaption,
  encodePlainText,
  encodeTrainingSample,
  publishedTemplate,
  systemPromptOf,
  type TrainingSample,
} from "./index.ts";
import { padBatch } from "./testing/reference-batch.ts";

const fixtures = fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url));
const tokensPerImage = 3;
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(fixtures);
});

const numbers = ({ data }: HostTensor<"int64">) => Array.from(data, Number);
const learned = ({ ids, lossMask }: TrainingSample) =>
  tokenizer.decode(ids.filter((_, index) => lossMask[index]));
const encode = (text: string, maxLength = 200) =>
  encodeTrainingSample(text, tokenizer, { maxLength, tokensPerImage, where: "train.jsonl:7" });

describe("a conversation to learn from", () => {
  test("counts the answers and their ends", () => {
    const sample = encode("Human: <image>\nHuman: what is this?\nAI: an owl.\nHuman: and this?\nAI: a cat.");
    expect(learned(sample)).toBe(" an owl.</s> a cat.</s>");
    expect(sample).toMatchObject({ imageCount: 1, isCut: false });
    expect(sample.ids[0]).toBe(tokenizer.bosId);
    expect(sample.ids.filter((id) => id === -1)).toHaveLength(tokensPerImage);
  });

  test("a picture at the very beginning, and two without text between them, have their positions", () => {
    const sample = encode("<image><image>\nHuman: what is this?\nAI: an owl.");
    expect(sample.ids.slice(0, 7)).toEqual([tokenizer.bosId, -1, -1, -1, -1, -1, -1]);
    expect(sample.imageCount).toBe(2);
  });

  test("videos have their positions, those behind the last answer are dropped", () => {
    const text = "Human: <|video|>\nHuman: <image>\nHuman: same?\nAI: no.";
    const sample = encode(text);
    expect(sample.ids.filter((id) => id < 0)).toEqual([-2, -2, -2, -1, -1, -1]);
    expect(sample).toMatchObject({ imageCount: 1, videoCount: 1, isCut: false });
    const trailing = encode(`${text}<|video|>`.replace("no.", "no.\nHuman: "));
    expect(trailing).toMatchObject({ imageCount: 1, videoCount: 1, isCut: true });
    expect(() => encode(`${text} <|video|>`)).toThrow(/got <\|video\|> in an answer/);
  });

  test("the assistant's mark inside a line is text", () => {
    expect(learned(encode("Human: go on\nAI: it said AI: beep."))).toBe(" it said AI: beep.</s>");
  });

  test("an empty answer is learned as one, with pictures too, and what follows it is not", () => {
    expect(learned(encode("Human: say nothing\nAI: "))).toBe("</s>");
    expect(learned(encode("Human: <image>\nAI: \nHuman: and now?\nAI: an owl."))).toBe("</s> an owl.</s>");
  });

  test("is cut at the length, answers with an end, pictures whole or not at all", () => {
    const long = encode(
      "Human: <image>\nHuman: what?\nAI: the owl sits in the tree and waits for a mouse.",
      34,
    );
    expect(long.ids).toHaveLength(35);
    expect(long.isCut).toBe(true);
    expect(learned(long)).toMatch(/^ the owl .*<\/s>$/);
    const start = encode("Human: what?\nAI: an owl.");
    const more = encode(
      "Human: what?\nAI: an owl.\nHuman: <image>\nHuman: and this?\nAI: a cat.",
      start.ids.length + 8,
    );
    expect(learned(more)).toBe(" an owl.</s>");
    expect(more).toMatchObject({ isCut: true, imageCount: 0 });
    expect(more.ids.at(-1)).toBeGreaterThanOrEqual(0);
  });

  test("that would teach nothing is refused, with its name, the reason and the way out", () => {
    const prompt = `Human: ${"the owl ".repeat(20)}`;
    expect(() => encode("no marks at all")).toThrow(
      /^train.jsonl:7: a line must begin with "AI: ", got none/,
    );
    expect(() => encode(`${prompt}\nAI: no.`, 10)).toThrow(/^train.jsonl:7: .* must fit 10 tokens, got \d+/);
    expect(() => encode(`Human: <image>\n${prompt}\nAI: no.`, 20)).toThrow(
      /an answer must begin within 20 tokens/,
    );
    expect(() => encode("Human: hi\nAI: look: <image>")).toThrow(
      /^train.jsonl:7: pictures must stand in "Human: " lines/,
    );
  });

  test("lines end as on any system", () => {
    const text = "Human: hi\nAI: hello\nHuman: bye\nAI: good bye";
    const expected = encode(text);
    expect(encode(text.replaceAll("\n", "\r\n"))).toEqual(expected);
    expect(encode(text.replaceAll("\n", "\r"))).toEqual(expected);
    expect(learned(expected)).toBe(" hello</s> good bye</s>");
    const plain = encodePlainText("one\r\ntwo\rthree", tokenizer, { maxLength: 60 });
    expect(plain).toEqual(encodePlainText("one\ntwo\nthree", tokenizer, { maxLength: 60 }));
    const options = { maxLength: 60, tokensPerImage };
    expect(encodeCaption("a\r\nb", tokenizer, options)).toEqual(encodeCaption("a\nb", tokenizer, options));
  });

  test("with something like a mark that is none is refused, all of it at once", () => {
    const text = "Human:hi\nAI: hello\nHuman:bye\nAI: good bye";
    expect(() => encode(text)).toThrow(/^train.jsonl:7: "Human:hi" .*; "Human:bye" \(line 3 of the text\): /);
    const many = `Human: hi\nAI: hello\n${"human: again\n".repeat(1000)}`;
    expect(() => encode(many)).toThrow(/; and 995 more$/);
    const options = { maxLength: 60, tokensPerImage, fidelity: "reference" } as const;
    expect(learned(encodeTrainingSample(text, tokenizer, options))).toBe(
      " hello\nHuman:bye\n</s> good bye</s>",
    );
  });

  test("as the reference makes it may teach nothing", () => {
    const options = { maxLength: 40, tokensPerImage, fidelity: "reference" } as const;
    const silent = encodeTrainingSample("<image>\nHuman: hi", tokenizer, options);
    expect(silent.lossMask).not.toContain(true);
    expect(silent.imageCount).toBe(0);
  });
});

test("the tokens of a row that fits are made once", () => {
  const made = vi.spyOn(tokenizer, "encodeParts");
  const options = { maxLength: 200, tokensPerImage, truncation: "turns" } as const;
  encodeTrainingSample("Human: a\nAI: b\nHuman: c\nAI: d", tokenizer, options);
  const texts = made.mock.calls.map(([parts]) => parts.map(({ text }) => text).join(""));
  made.mockRestore();
  expect(texts).toEqual(["Human: a\n", "AI: ", "b", "\nHuman: ", "c\n", "AI: ", "d"]);
});

test("what stands before anybody speaks is a system sentence, pictures in front are none", () => {
  const words = (head: string) => systemPromptOf(`${head}Human: hi\nAI: a`, publishedTemplate);
  for (const head of ["", "<image>\n", "<image><image>\n", "<image> <|video|>\n<image>\n"]) {
    expect(words(head)).toBe("");
  }
  expect(words("Be nice.\n\nAlways.\n<image>\n")).toBe("Be nice.\n\nAlways.");
});

describe("captions and plain text", () => {
  test("a caption is learned behind its picture", () => {
    const sample = encodeCaption("a red apple.", tokenizer, { maxLength: 60, tokensPerImage });
    expect(sample.ids.slice(0, 4)).toEqual([tokenizer.bosId, -1, -1, -1]);
    expect(learned(sample)).toBe(" a red apple.</s>");
    expect(sample.imageCount).toBe(1);
    expect(() => encodeCaption("x", tokenizer, { maxLength: 4, tokensPerImage })).toThrow(
      /picture's 4, got 4/,
    );
  });

  test("plain text is learned as a whole; a cut one has no end", () => {
    const whole = encodePlainText("the owl eats mice.", tokenizer, { maxLength: 60 });
    expect(learned(whole)).toBe(" the owl eats mice.</s>");
    const cut = encodePlainText("the owl eats mice.", tokenizer, { maxLength: 2 });
    expect(tokenizer.decode(cut.ids)).toBe("<s>the owl");
    expect(cut.isCut).toBe(true);
  });
});

describe("a batch", () => {
  test("is filled up on the right, with the reference's masks", () => {
    const samples = [
      encode("Human: <image>\nAI: an owl."),
      encodePlainText("the owl", tokenizer, { maxLength: 9 }),
    ];
    const { input_ids, non_padding_mask, non_media_mask, prompt_mask, num_images } = padBatch(
      samples,
      tokenizer,
    );
    const length = samples[0].ids.length - 1;
    expect(input_ids.dims).toEqual([2, length + 1]);
    const second = numbers(input_ids).slice(length + 1);
    expect(second).toEqual([...samples[1].ids, ...new Array(length - 3).fill(tokenizer.padId)]);
    expect(numbers(non_padding_mask).slice(length)).toEqual([1, 1, 1, ...new Array(length - 3).fill(0)]);
    expect(numbers(prompt_mask).slice(0, length)).toEqual(samples[0].lossMask.slice(1).map(Number));
    const isText = samples[0].ids.slice(1).map((id) => Number(id >= 0));
    expect(numbers(non_media_mask).slice(0, length)).toEqual(isText);
    expect(numbers(num_images)).toEqual([1, 0]);
    expect(padBatch(samples, tokenizer, { length: 50 }).prompt_mask.dims).toEqual([2, 50]);
  });

  test("that is empty or too long for its length is refused", () => {
    expect(() => padBatch([], tokenizer)).toThrow(/batch: must hold samples/);
    expect(() => padBatch([encode("Human: hi\nAI: yes.")], tokenizer, { length: 3 })).toThrow(
      /at most 3 \+ 1 ids/,
    );
  });
});

describe("with a tokenizer that has no bos", () => {
  const without = (): Tokenizer =>
    createTokenizer(tokenizer.json, { ...tokenizer.configuration, bos_token: null });
  const options = { maxLength: 200, tokensPerImage, where: "train.jsonl:7" };

  test("every kind of row begins without one, and is else the same", () => {
    const text = "Human: <image>\nHuman: what is this?\nAI: an owl.";
    for (const of of [
      (one: Tokenizer) => encodeTrainingSample(text, one, options),
      (one: Tokenizer) => encodeCaption("an owl", one, options),
    ]) {
      const [with_, own] = [of(tokenizer), of(without())];
      expect(own.ids).toEqual(with_.ids.slice(1));
      expect(own.lossMask).toEqual(with_.lossMask.slice(1));
    }
  });

  test("the first token of a plain text is not learned: nothing could predict it", () => {
    const own = encodePlainText("an owl", without(), options);
    expect(own.ids).toEqual(encodePlainText("an owl", tokenizer, options).ids.slice(1));
    expect(own.lossMask).toEqual(own.ids.map((_, index) => index > 0));
  });
});
