import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatMessage, PromptOptions } from "../owl/index.ts";
import { createServer } from "./server.ts";
import {
  eventsOf,
  modelDirectory,
  owlServer,
  picturePath,
  pictureUrl,
  poster,
} from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer();
});
afterAll(() => served.close());

const chat = "/v1/chat/completions";
const user = (content: unknown): object => ({ role: "user", content });
const assistant = (content: string): object => ({ role: "assistant", content });
const turns = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => [user(`what do ${i} cats eat?`), assistant("mice.")]).flat();
const asked = (messages: readonly object[], more: object = {}): object => ({
  model: "owl-nano",
  messages,
  max_tokens: 6,
  ...more,
});
const long = [...turns(160), user("and owls?")];
const leftOut =
  /^The conversation no longer fits the model's 1024 positions: its \d+ oldest turns were left out/;

interface Refusal {
  readonly error: { readonly message: string; readonly param: string; readonly code: string };
}

async function refused(path: string, body: object): Promise<Refusal["error"]> {
  const response = await served.post(path, body);
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toContain("application/json");
  return ((await response.json()) as Refusal).error;
}

interface Answered {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly prompt_tokens: number };
  readonly notes?: readonly string[];
}

async function answered(body: object, post = served.post): Promise<Answered> {
  const response = await post(chat, body);
  const found = await response.json();
  expect(response.status, JSON.stringify(found)).toBe(200);
  return found as Answered;
}

describe("what is longer than the model's positions", () => {
  const bodies: [says: string, path: string, body: object, param: string, got: RegExp][] = [
    ["a conversation", chat, asked(long), "messages", /got \d{4} tokens/],
    ["a streamed one", chat, asked(long, { stream: true }), "messages", /got \d{4} tokens/],
    ["one of letters", chat, asked([user("x".repeat(1e5))]), "messages", /at least \d+ tokens \(100000 char/],
    [
      "one of pictures",
      chat,
      asked([
        user(
          Array.from({ length: 16 }, () => ({
            type: "image_url",
            image_url: { url: pictureUrl("owl.png") },
          })),
        ),
        user("what do all of these birds eat, and where do they live, and which one is the largest of them?"),
      ]),
      "messages",
      /got 1\d{3} tokens/,
    ],
    [
      "a prompt",
      "/v1/completions",
      { model: "owl-nano", prompt: "cat ".repeat(1200) },
      "prompt",
      /got 1\d{3}/,
    ],
    [
      "a prompt of ids",
      "/v1/completions",
      { model: "owl-nano", prompt: Array(1200).fill(5) },
      "prompt",
      /got 1200/,
    ],
    [
      "a streamed prompt of letters",
      "/v1/completions",
      { model: "owl-nano", prompt: "x".repeat(1e5), stream: true },
      "prompt",
      /at least/,
    ],
  ];
  it.each(bodies)("%s is refused with both numbers and a code", async (_, path, body, param, got) => {
    const { code, message, ...error } = await refused(path, body);
    expect({ code, param: error.param }).toEqual({ code: "context_length_exceeded", param });
    expect(message).toMatch(got);
    expect(message).toContain("1024 positions (this model's maximum context length is 1024 tokens)");
    expect(message.includes('"truncation": "auto"')).toBe(param === "messages");
  });

  it("is what the official client understands", async () => {
    const socket = await onSocket(served.server);
    const client = new OpenAI({ baseURL: `${socket.url}/v1`, apiKey: "none", maxRetries: 0 });
    const body = asked(long) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
    const error = await client.chat.completions.create(body).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 400, code: "context_length_exceeded", param: "messages" });
    await socket.close();
  });

  it("an answer that meets the last position is cut, and says so", async () => {
    const almost = asked([user("cat ".repeat(980))], { max_tokens: 200, repetition_penalty: 0.01 });
    const reply = await answered(almost);
    expect(reply).toMatchObject({ choices: [{ finish_reason: "length" }] });
    const notes = ["The answer was cut: the model's 1024 positions are full."];
    expect(reply.notes).toEqual(notes);
    const prompt = {
      model: "owl-nano",
      prompt: Array(1000).fill(5),
      max_tokens: 50,
      repetition_penalty: 0.01,
    };
    const completion = await served.post("/v1/completions", prompt);
    expect(await completion.json()).toMatchObject({ choices: [{ finish_reason: "length" }], notes });
    const events = await eventsOf(await served.post("/v1/completions", { ...prompt, stream: true }));
    expect(events.at(-2)).toMatchObject({ choices: [{ finish_reason: "length" }], notes });
  });
});

describe('with "truncation": "auto"', () => {
  const auto = { truncation: "auto" };

  it("the oldest turns are left out, and the notes say so", async () => {
    const reply = await answered(asked(long, auto));
    expect(reply.notes).toEqual([expect.stringMatching(leftOut)]);
    expect(reply.usage.prompt_tokens).toBeLessThanOrEqual(1024);
    const own = served.owl.chat(long as never, { maxNewTokens: 6 });
    expect(reply.choices[0].message.content).toBe(await own.text());
  });

  it("a stream says so with its last choice's end, and has a choice in every piece", async () => {
    // Fewer tokens than an answer has.
    const brief = { ...auto, max_tokens: 3 };
    const whole = await answered(asked(long, brief));
    const body = asked(long, { ...brief, stream: true, n: 2 });
    const events = (await eventsOf(await served.post(chat, body))).slice(0, -1) as Answered[];
    const ends = events.slice(-2);
    expect(ends).toMatchObject([
      { choices: [{ index: 0, finish_reason: "length" }] },
      { choices: [{ index: 1, finish_reason: "length" }], notes: whole.notes },
    ]);
    expect(events.filter(({ choices, notes }) => choices.length !== 1 || notes !== undefined)).toEqual([
      ends[1],
    ]);
    const counted = { ...body, stream_options: { include_usage: true } };
    const more = (await eventsOf(await served.post(chat, counted))).slice(0, -1) as Answered[];
    expect(more.slice(-2)).toMatchObject([
      { usage: null, notes: whole.notes },
      { choices: [], usage: {} },
    ]);
  });

  it("a conversation that fits is the same as without", async () => {
    const short = asked([...turns(2), user("and owls?")]);
    const { choices, notes } = await answered({ ...short, ...auto });
    expect(choices).toEqual((await answered(short)).choices);
    expect(notes).toBeUndefined();
  });

  it("system messages and pictures stay", async () => {
    const picture = { type: "image_url", image_url: { url: pictureUrl("owl.png") } };
    const messages = [
      { role: "system", content: "be brief" },
      user([picture, { type: "text", text: "what is this?" }]),
      assistant("an owl."),
      ...turns(160),
      { role: "developer", content: "be kind" },
      user("what is this?"),
    ];
    const { choices, usage, notes } = await answered(asked(messages, auto));
    const shown = { type: "image" as const, image: picturePath("owl.png") };
    const conversation = [
      { role: "system", content: "be brief\nbe kind" },
      user([shown, { type: "text", text: "what is this?" }]),
      ...messages.slice(2).filter((message) => !("role" in message && message.role === "developer")),
    ] as ChatMessage[];
    const own = await served.owl.prompt(conversation, { ...auto, maxNewTokens: 6 } as PromptOptions);
    expect(own.pictures).toHaveLength(1);
    expect({ tokens: usage.prompt_tokens, notes }).toEqual({ tokens: own.ids.length, notes: own.notes });
    expect(choices[0].message.content).toBe((await served.owl.generate(own, { maxNewTokens: 6 })).text);
  });

  it("an old text that could never fit is left out in no time", async () => {
    const messages = [user("cats ".repeat(2_000_000)), assistant("yes."), user("and owls?")];
    const start = performance.now();
    const { notes } = await answered(asked(messages, auto));
    expect(performance.now() - start).toBeLessThan(5000);
    expect(notes).toEqual([expect.stringContaining("its oldest turn was left out")]);
  });

  it.each<[says: string, messages: object[]]>([
    ["a last message that alone is too long", [...turns(3), user("cat ".repeat(1200))]],
    ["one of too many letters", [...turns(3), user("x".repeat(1e5))]],
    ["a system message that alone is too long", [{ role: "system", content: "x ".repeat(2400) }, user("hi")]],
  ])("%s is refused", async (_, messages) => {
    const { code, message } = await refused(chat, asked(messages, auto));
    expect(code).toBe("context_length_exceeded");
    expect(message).toContain("shorten the last message");
  });

  it("as the server's default, which a request may overrule", async () => {
    const models = { "owl-nano": { owl: served.owl, directory: modelDirectory } };
    const server = createServer({ models, truncation: "auto" });
    const post = poster(server);
    expect((await answered(asked(long), post)).notes).toEqual([expect.stringMatching(leftOut)]);
    expect((await answered(asked(long, { truncation: null }), post)).notes).toHaveLength(1);
    expect((await post(chat, asked(long, { truncation: "disabled" }))).status).toBe(400);
    await server.close();
  });
});
