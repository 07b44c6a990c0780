import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { createTokenizer, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import {
  encodeConversation,
  encodePrompt,
  encodeTrainingSample,
  type Message,
  promptTemplate,
  publishedTemplate,
  trainingSystemPrompt,
} from "./index.ts";

const fixtures = fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url));
const tokensPerImage = 3;
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(fixtures);
});

const picture = (image: string) => ({ type: "image", image }) as const;
const says = (text: string) => ({ type: "text", text }) as const;
const user = (...content: Exclude<Message<string>["content"], string>): Message<string> => ({
  role: "user",
  content,
});

describe("a conversation", () => {
  const template = publishedTemplate;
  const encode = (messages: Message<string>[]) =>
    encodeConversation(messages, tokenizer, { tokensPerImage, template });

  test("is the system sentence, a line each, and the mark that asks for the answer", () => {
    const { text, ids, images } = encode([
      user(picture("a"), says("what is this?")),
      { role: "assistant", content: "an owl." },
      { role: "user", content: "what does it eat?" },
    ]);
    expect(text).toBe(
      `${trainingSystemPrompt}\nHuman: <image>\nHuman: what is this?\nAI: an owl.\nHuman: what does it eat?\nAI: `,
    );
    expect(ids).toEqual(encodePrompt(text, tokenizer, { tokensPerImage }));
    expect(images).toEqual(["a"]);
  });

  test("takes its own system message, also an empty one", () => {
    const question = user(says("hi"));
    expect(encode([{ role: "system", content: "be brief." }, question]).text).toBe(
      "be brief.\nHuman: hi\nAI: ",
    );
    expect(encode([{ role: "system", content: "" }, question]).text).toBe("Human: hi\nAI: ");
  });

  test("keeps texts and pictures in the order given", () => {
    const { text, images } = encode([
      { role: "system", content: "" },
      user(says("Picture 1:"), picture("a"), says("Picture 2:"), picture("b")),
      { role: "assistant", content: "yes" },
      user(picture("c"), says("then"), says("compare"), picture("d"), picture("e")),
    ]);
    expect(text).toBe(
      "Human: Picture 1:\nHuman: <image>\nHuman: Picture 2:\nHuman: <image>\nAI: yes\n" +
        "Human: <image>\nHuman: then\ncompare\nHuman: <image>\nHuman: <image>\nAI: ",
    );
    expect(images).toEqual(["a", "b", "c", "d", "e"]);
  });

  describe("with videos", () => {
    const film = (video: string) => ({ type: "video", video }) as const;
    const talk: Message<string, string>[] = [
      { role: "system", content: "" },
      { role: "user", content: [film("v"), picture("a"), says("and <|video|>?")] },
      { role: "assistant", content: "yes" },
      { role: "user", content: [says("this?"), film("w")] },
    ];
    const given = { tokensPerImage, template };

    test("pictures and videos stand each in its place", () => {
      const { text, ids, images, media } = encodeConversation(talk, tokenizer, given);
      expect(text).toBe(
        "Human: <|video|>\nHuman: <image>\nHuman: and <|video|>?\nAI: yes\nHuman: this?\nHuman: <|video|>\nAI: ",
      );
      const runs = ids.filter((id) => id < 0).filter((_, i) => i % tokensPerImage === 0);
      expect(runs).toEqual([-2, -1, -2]);
      expect(media).toEqual([film("v"), picture("a"), film("w")]);
      expect(images).toEqual(["a"]);
    });

    test("a model without videos gets numbered pictures", () => {
      const { text, ids, media } = encodeConversation(talk, tokenizer, { ...given, framesPerVideo: 2 });
      expect(text).toBe(
        "Human: Frame 1 of 2: <image>\nHuman: Frame 2 of 2: <image>\nHuman: <image>\n" +
          "Human: and <|video|>?\nAI: yes\n" +
          "Human: this?\nHuman: Frame 1 of 2: <image>\nHuman: Frame 2 of 2: <image>\nAI: ",
      );
      expect(ids.filter((id) => id === -1)).toHaveLength(5 * tokensPerImage);
      expect(ids).not.toContain(-2);
      const frame = (video: string, index: number) => ({ type: "frame", video, index });
      const frames = (video: string) => [frame(video, 0), frame(video, 1)];
      expect(media).toEqual([...frames("v"), picture("a"), ...frames("w")]);
    });

    test("one in an answer is an error", () => {
      const answered = [{ role: "assistant" as const, content: [film("v")] }, user(says("hi"))];
      expect(() => encodeConversation(answered, tokenizer, given)).toThrow(
        'a video in a message by "assistant"',
      );
    });
  });

  test("has one system message in front, whatever the system says and where", () => {
    const [one, two, three] = ["be brief", "be kind", "be an owl"].map(
      (content) => ({ role: "system", content }) as const,
    );
    const [first, last] = [user(says("hi")), user(says("who?"))];
    const answer = { role: "assistant" as const, content: "hello" };
    const joined = encode([{ role: "system", content: "be brief\nbe kind\nbe an owl" }, first, answer, last]);
    expect(joined.text.startsWith("be brief\nbe kind\nbe an owl\nHuman: hi")).toBe(true);
    for (const messages of [
      [one, two, three, first, answer, last],
      [first, one, answer, two, last, three],
      [first, answer, one, { role: "system" as const, content: [says("be kind"), says("be an owl")] }, last],
      [{ role: "system" as const, content: "" }, first, answer, last, one, two, three],
    ]) {
      expect(encode(messages)).toEqual(joined);
    }
    expect(() => encode([one])).toThrow('a last message by "system"');
  });

  test("tells all that is wrong with it", () => {
    const wrong = [
      { role: "robot", content: "x" },
      { role: "assistant", content: [picture("a")] },
      { role: "user", content: [{ type: "video" }, { type: "text" }, { type: "sound" }] },
      { role: "assistant", content: "late" },
    ] as unknown as Message<string>[];
    const problems = [
      'message 0: role "robot"',
      'message 1, part 0: a picture in a message by "assistant"',
      "message 2, part 0: a video part without video",
      "message 2, part 1: a text part without text",
      'message 2, part 2: type "sound"',
      'a last message by "assistant"',
    ];
    for (const problem of problems) expect(() => encode(wrong)).toThrow(problem);
    expect(() => encode([])).toThrow("got no message");
    expect(() => encode([user()])).toThrow("message 0: no content");
  });
});

describe("a template", () => {
  test("is read from the model's directory; what is absent is as published", () => {
    expect(promptTemplate(tokenizer)).toEqual({ ...publishedTemplate, system: "", cut: "turns" });
    expect(promptTemplate(createTokenizer(tokenizer.json))).toEqual(publishedTemplate);
    const wrong = createTokenizer(tokenizer.json, { prompt_template: { user: "", sistem: "x" } });
    expect(() => promptTemplate(wrong)).toThrow(/prompt_template must be a template, got[\s\S]*sistem/);
  });

  test('cut at "turns" asks with the very ids that were trained', () => {
    const row = "Human: <image>\nHuman: what is this?\nAI: an owl.\nHuman: what does it eat?\nAI: mice.";
    const sample = encodeTrainingSample(row, tokenizer, { maxLength: 200, tokensPerImage });
    const question = user(picture("a"), says("what is this?"));
    const first = encodeConversation([question], tokenizer, { tokensPerImage });
    const second = encodeConversation(
      [question, { role: "assistant", content: "an owl." }, user(says("what does it eat?"))],
      tokenizer,
      { tokensPerImage },
    );
    for (const { ids } of [first, second]) expect(sample.ids.slice(0, ids.length)).toEqual(ids);
    const answers = [first, second].map(({ ids }) => {
      const rest = sample.ids.slice(ids.length);
      return tokenizer.decode(rest.slice(0, rest.indexOf(tokenizer.eosId) + 1));
    });
    expect(answers).toEqual([" an owl.</s>", " mice.</s>"]);
  });
});
