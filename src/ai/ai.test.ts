import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createProviderRegistry,
  embed,
  generateObject,
  generateText,
  type LanguageModel,
  streamText,
  tool,
} from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Owl } from "../owl/index.ts";
import { createOwl, type OwlProvider } from "./index.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const png = readFileSync(join(examples, "owl.png"));
const what = "what is this?";

let owl: Owl;
let provider: OwlProvider;
let model: LanguageModel;
beforeAll(async () => {
  owl = await Owl.load("owl-nano", { threads: 1 });
  provider = createOwl({ "owl-nano": owl });
  // The compiler holds our words of the interface against the SDK's.
  model = provider("owl-nano");
});
afterAll(async () => {
  await provider.close();
  await owl.close();
});

const showing = (part: object) => [
  { role: "user" as const, content: [part as never, { type: "text" as const, text: what }] },
];
const own = (settings = {}): Promise<string> =>
  owl
    .chat(
      {
        role: "user",
        content: [
          { type: "image", image: png },
          { type: "text", text: what },
        ],
      },
      settings,
    )
    .text();

describe("generateText", () => {
  test("answers in the owl's own words, with usage and the reason for the end", async () => {
    const { text, finishReason, usage, warnings } = await generateText({
      model,
      prompt: "what do cats eat?",
    });
    const answer = await owl.chat("what do cats eat?").answer();
    expect(text).toBe(answer.text);
    expect([finishReason, warnings]).toEqual(["stop", []]);
    const { ids } = await owl.prompt("what do cats eat?");
    expect(usage).toMatchObject({ inputTokens: ids.length, outputTokens: answer.ids.length });
  });

  test("sees pictures as image and file parts: bytes, base64, addresses of data", async () => {
    const expected = await own();
    const base64 = png.toString("base64");
    for (const part of [
      { type: "image", image: new Uint8Array(png) },
      { type: "image", image: base64 },
      { type: "image", image: `data:image/png;base64,${base64}` },
      { type: "file", data: new Uint8Array(png).buffer, mediaType: "image/png" },
    ]) {
      expect((await generateText({ model, messages: showing(part) })).text).toBe(expected);
    }
  });

  test("gives a video as frames, and says so in a warning", async () => {
    const gif = {
      type: "file",
      data: new Uint8Array(readFileSync(join(examples, "..", "tests/fixtures/image/animated.gif"))),
      mediaType: "image/gif",
    };
    const { warnings } = await generateText({
      model,
      messages: showing({ ...gif, mediaType: "video/gif" }),
      maxOutputTokens: 2,
    });
    expect(warnings).toEqual([{ type: "other", message: expect.stringContaining("takes no videos") }]);
  });

  test("samples with the SDK's settings as the owl does with its own", async () => {
    const asked = {
      temperature: 1.5,
      topK: 50,
      topP: 0.95,
      seed: 3,
      maxOutputTokens: 12,
      presencePenalty: 0.5,
    };
    const { temperature, topK, topP, seed, presencePenalty } = asked;
    const settings = { doSample: true, temperature, topK, topP, seed, presencePenalty, maxNewTokens: 12 };
    const { text } = await generateText({ model, prompt: what, ...asked });
    expect(text).toBe(await owl.chat(what, settings).text());
    const greedy = await generateText({ model, prompt: what, temperature: 0, topP: 0 });
    expect(greedy.text).toBe(await owl.chat(what).text());
    const onlyBest = { "mplug-owl": { minP: 1 } };
    expect(
      (await generateText({ model, prompt: what, temperature: 1.5, providerOptions: onlyBest })).text,
    ).toBe(greedy.text);
    const providerOptions = { "mplug-owl": { numBeams: 2, maxNewTokens: 8 } };
    const beams = await generateText({ model, prompt: what, providerOptions });
    expect(beams.text).toBe(await owl.chat(what, { numBeams: 2, maxNewTokens: 8 }).text());
  });

  test("says that an answer was cut, and ends before a stop sequence", async () => {
    expect((await generateText({ model, prompt: what, maxOutputTokens: 2 })).finishReason).toBe("length");
    const whole = await owl.chat("what do cats eat?").text();
    const stop = whole.slice(5, 8);
    const { text } = await generateText({ model, prompt: "what do cats eat?", stopSequences: [stop] });
    expect(text).toBe(whole.slice(0, whole.indexOf(stop)));
  });

  test("goes on with a conversation and its system message", async () => {
    const messages = [
      { role: "user" as const, content: "what do cats eat?" },
      {
        role: "assistant" as const,
        content: [
          { type: "reasoning" as const, text: "hm" },
          { type: "text" as const, text: "fish." },
        ],
      },
      { role: "user" as const, content: "and dogs?" },
    ];
    const { text } = await generateText({ model, system: "be short.", messages });
    const said = [
      { role: "system" as const, content: "be short." },
      { role: "user" as const, content: "what do cats eat?" },
      { role: "assistant" as const, content: "fish." },
      { role: "user" as const, content: "and dogs?" },
    ];
    expect(text).toBe(await owl.chat(said).text());
  });

  test("answers many at once as one by one", async () => {
    const questions = ["what do cats eat?", "where do fish live?", "what is a piano for?"];
    const all = await Promise.all(questions.map((prompt) => generateText({ model, prompt })));
    for (const [i, { text }] of all.entries()) expect(text).toBe(await owl.chat(questions[i]).text());
  });
});

describe("streamText", () => {
  test("gives the same text in pieces, and how it ended", async () => {
    const result = streamText({ model, messages: showing({ type: "image", image: new Uint8Array(png) }) });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("")).toBe(await own());
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBeGreaterThan(1);
  });

  test("ends with its signal, and so does a whole answer", async () => {
    const stop = new AbortController();
    const providerOptions = { "mplug-owl": { eosTokenIds: [], maxNewTokens: 500 } };
    const result = streamText({ model, prompt: what, abortSignal: stop.signal, providerOptions });
    let pieces = 0;
    for await (const part of result.fullStream) {
      if (part.type === "text-delta") pieces++;
      if (pieces === 3) stop.abort();
    }
    expect(pieces).toBeLessThan(20);
    await expect(generateText({ model, prompt: what, abortSignal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
    const after = await generateText({ model, prompt: what });
    expect(after.text).toBe(await owl.chat(what).text());
  });
});

test("generateObject gives objects of the schema", async () => {
  const schema = z.object({ animal: z.string().max(20), canFly: z.boolean() });
  const { object } = await generateObject({
    model,
    schema,
    messages: showing({ type: "image", image: new Uint8Array(png) }),
  });
  expect(() => schema.parse(object)).not.toThrow();
  const picked = await generateObject({
    model,
    output: "enum",
    enum: ["red", "green"],
    prompt: "what colour is grass?",
  });
  expect(["red", "green"]).toContain(picked.object);
});

describe("what is not there", () => {
  test("tools, other files and roles are refused in words", async () => {
    const weather = tool({
      description: "weather",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => "fine",
    });
    await expect(generateText({ model, prompt: what, tools: { weather } })).rejects.toThrow(
      'mplug-owl: this model has no tools, got "weather"',
    );
    const pdf = { type: "file", data: new Uint8Array(4), mediaType: "application/pdf" };
    await expect(generateText({ model, messages: showing(pdf) })).rejects.toThrow(
      'message 0, part 0: this model takes files of image/* and video/*, got "application/pdf"',
    );
    const providerOptions = { "mplug-owl": { numBeam: 2 } };
    await expect(generateText({ model, prompt: what, providerOptions })).rejects.toThrow(
      /did you mean numBeams\?/,
    );
  });

  test("embeddings and pictures, and models of other names", async () => {
    expect(() => provider.embeddingModel("owl-nano")).toThrow(
      /makes text, no embeddings; use another provider/,
    );
    expect(() => provider.imageModel("owl-nano")).toThrow(/makes text, no pictures/);
    expect(() => provider("owl-nan")).toThrow('no model is called "owl-nan" (did you mean owl-nano?)');
    expect(() => createOwl({})).toThrow(/createOwl: must be given owls by name/);
    expect(() => createOwl({ a: "owl-nano" as never })).toThrow(/got a: "owl-nano"/);
    const registry = createProviderRegistry({ owls: provider });
    const { text } = await generateText({ model: registry.languageModel("owls:owl-nano"), prompt: what });
    expect(text).toBe(await owl.chat(what).text());
    const embedding = () => registry.embeddingModel("owls:owl-nano");
    await expect((async () => embed({ model: embedding(), value: "a" }))()).rejects.toThrow(/no embeddings/);
  });

  test("a broken picture is told with its reason", async () => {
    const broken = { type: "image", image: new Uint8Array(png.subarray(0, 200)) };
    await expect(generateText({ model, messages: showing(broken) })).rejects.toThrow(/PNG/);
  });
});
