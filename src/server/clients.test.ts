import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlServer, picturePath, pictureUrl } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
let client: OpenAI;
beforeAll(async () => {
  served = await owlServer({ apiKey: "a key" });
  socket = await onSocket(served.server);
  client = new OpenAI({ baseURL: `${socket.url}/v1`, apiKey: "a key", maxRetries: 0 });
});
afterAll(async () => {
  await socket.close();
  await served.close();
});

const what = "what is this?";

/** What the owl itself says of a picture. */
function own(name: string): Promise<string> {
  const content = [
    { type: "image" as const, image: picturePath(name) },
    { type: "text" as const, text: what },
  ];
  return served.owl.chat([{ role: "user", content }]).text();
}

function asked(name: string): OpenAI.ChatCompletionMessageParam[] {
  const content: OpenAI.ChatCompletionContentPart[] = [
    { type: "image_url", image_url: { url: pictureUrl(name) } },
    { type: "text", text: what },
  ];
  return [{ role: "user", content }];
}

describe("the official openai client", () => {
  it.each([
    "owl.png",
    "sunflower.png",
  ])("asks about %s, whole and streamed, and gets the owl's own words", async (name) => {
    const text = await own(name);
    const whole = await client.chat.completions.create({ model: "owl-nano", messages: asked(name) });
    expect(whole.choices[0].message.content).toBe(text);
    const stream = client.chat.completions.stream({
      model: "owl-nano",
      messages: asked(name),
      stream_options: { include_usage: true },
    });
    let streamed = "";
    stream.on("content", (delta) => {
      streamed += delta;
    });
    const final = await stream.finalChatCompletion();
    expect(streamed).toBe(text);
    expect(final.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: text } });
    expect(final.usage).toMatchObject({
      prompt_tokens: whole.usage?.prompt_tokens,
      completion_tokens: whole.usage?.completion_tokens,
    });
  });

  it("lists models and describes one", async () => {
    const names: string[] = [];
    for await (const { id } of await client.models.list()) names.push(id);
    expect(names).toEqual(["owl-nano"]);
    expect(await client.models.retrieve("owl-nano")).toMatchObject({
      object: "model",
      owned_by: "mplug-owl",
    });
  });

  it("continues a text", async () => {
    const prompt = "Human: what do cats eat?\nAI:";
    const { choices } = await client.completions.create({ model: "owl-nano", prompt, max_tokens: 8 });
    let streamed = "";
    const stream = await client.completions.create({
      model: "owl-nano",
      prompt,
      max_tokens: 8,
      stream: true,
    });
    for await (const chunk of stream) streamed += chunk.choices[0].text;
    expect(streamed).toBe(choices[0].text);
  });

  it("understands refusals as its own errors", async () => {
    const fails = async (body: object, key = "a key"): Promise<APIError> => {
      const error = await client
        .withOptions({ apiKey: key })
        .chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming)
        .then(() => undefined)
        .catch((reason: unknown) => reason);
      if (error instanceof APIError) return error;
      throw new Error(`must fail with an APIError, got ${error}`);
    };
    const body = { model: "owl-nano", messages: [{ role: "user", content: "hello" }] };
    expect(await fails(body, "another key")).toMatchObject({ status: 401, code: "invalid_api_key" });
    expect(await fails({ ...body, model: "gpt-4" })).toMatchObject({ status: 404, code: "model_not_found" });
    expect(await fails({ ...body, temperature: 3 })).toMatchObject({
      status: 400,
      type: "invalid_request_error",
      param: "temperature",
    });
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(await fails({ ...body, tools })).toMatchObject({ status: 400, param: "tools" });
  });
});

describe("the ai package with @ai-sdk/openai-compatible", () => {
  const model = () =>
    createOpenAICompatible({
      name: "owl",
      baseURL: `${socket.url}/v1`,
      apiKey: "a key",
      includeUsage: true,
    }).chatModel("owl-nano");
  const messages = (name: string) => [
    {
      role: "user" as const,
      content: [
        { type: "image" as const, image: new URL(pictureUrl(name)) },
        { type: "text" as const, text: what },
      ],
    },
  ];

  it("asks about a picture, whole and streamed, and gets the owl's own words", async () => {
    const text = await own("owl.png");
    const whole = await generateText({ model: model(), messages: messages("owl.png"), temperature: 0 });
    expect(whole.text).toBe(text);
    expect(whole.finishReason).toBe("stop");
    const stream = streamText({ model: model(), messages: messages("owl.png"), temperature: 0 });
    let streamed = "";
    for await (const delta of stream.textStream) streamed += delta;
    expect(streamed).toBe(text);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  it("is told that an answer was cut", async () => {
    const { finishReason } = await generateText({ model: model(), prompt: "hello", maxOutputTokens: 2 });
    expect(finishReason).toBe("length");
  });
});
