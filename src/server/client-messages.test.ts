import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlServer, pictureUrl, question } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
let client: OpenAI;
beforeAll(async () => {
  served = await owlServer();
  socket = await onSocket(served.server);
  client = new OpenAI({ baseURL: `${socket.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await socket.close();
  await served.close();
});

const chat = "/v1/chat/completions";
const hello = question("hello");

interface Answered {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly prompt_tokens: number };
}

async function answer(body: object): Promise<Answered> {
  const response = await served.post(chat, { max_tokens: 4, ...body });
  const found = await response.json();
  expect(response.status, JSON.stringify(found)).toBe(200);
  return found as Answered;
}

/** What a body is refused with. */
async function refused(body: object): Promise<{ param: string; code: string; message: string }> {
  const response = await served.post(chat, body);
  const { error } = (await response.json()) as { error: { param: string; code: string; message: string } };
  expect(response.status).toBe(400);
  return error;
}

const user = (content: unknown): object => ({ role: "user", content });
const said = (...messages: unknown[]): object => ({ model: "owl-nano", messages });
/** A second question after an answer. */
const handedBack = (message: object): object =>
  said(user("what is this?"), message, user("what does it eat?"));

describe("an answer that is handed back", () => {
  // As `message.model_dump()` of Python's client gives it.
  const dumped = {
    content: "an owl.",
    refusal: null,
    role: "assistant",
    annotations: null,
    audio: null,
    function_call: null,
    tool_calls: null,
  };
  const plain = { role: "assistant", content: "an owl." };

  it.each<[says: string, message: object]>([
    ["as Python's client dumps it", dumped],
    ["with lists of nothing", { ...dumped, annotations: [], tool_calls: [] }],
    ["as parts", { ...dumped, content: [{ type: "text", text: "an owl." }] }],
    ["as a refusal", { ...dumped, content: null, refusal: "an owl." }],
    ["as a refusal's part", { ...plain, content: [{ type: "refusal", refusal: "an owl." }] }],
    ["with a name", { ...plain, name: "owl" }],
    ["with what it was parsed to", { ...dumped, parsed: { bird: "owl" } }],
    ["with the thoughts of another model", { ...plain, reasoning_content: "a beak?", reasoning: "a beak?" }],
    [
      "as LiteLLM keeps it",
      { ...dumped, provider_specific_fields: { refusal: null }, thinking_blocks: null },
    ],
    ["with lists of pictures that are empty", { ...plain, images: [] }],
    ["as it was stored, under an id", { ...plain, id: "msg_1", thinking: "a beak?" }],
    [
      "as parts with annotations",
      { ...plain, content: [{ type: "text", text: "an owl.", annotations: [] }] },
    ],
    ["with a hint for caches", { ...plain, cache_control: { type: "ephemeral" } }],
  ])("%s", async (_, message) => {
    const [found, expected] = [await answer(handedBack(message)), await answer(handedBack(plain))];
    expect(found.choices).toEqual(expected.choices);
    expect(found.usage.prompt_tokens).toBe(expected.usage.prompt_tokens);
  });

  it.each<[says: string, message: object]>([
    ["null", { ...dumped, content: null }],
    ["absent", { role: "assistant" }],
    ["an empty text", { role: "assistant", content: "" }],
    ["no part", { role: "assistant", content: [] }],
  ])("that says nothing: %s", async (_, message) => {
    const empty = await answer(handedBack({ role: "assistant", content: "" }));
    expect((await answer(handedBack(message))).usage.prompt_tokens).toBe(empty.usage.prompt_tokens);
  });

  it("by the official client, as it came", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "what do cats eat?" }];
    const ask = (): Promise<OpenAI.ChatCompletion> =>
      client.chat.completions.create({ model: "owl-nano", messages, max_tokens: 8 });
    const first = await ask();
    messages.push(first.choices[0].message, { role: "user", content: "and dogs?" });
    const second = await ask();
    expect(second.usage?.prompt_tokens).toBeGreaterThan(first.usage?.prompt_tokens ?? 0);
  });

  it.each<[field: string, value: unknown]>([
    ["tool_calls", [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }]],
    ["function_call", { name: "f", arguments: "{}" }],
    ["audio", { id: "audio_1" }],
    ["images", [{ type: "image_url", image_url: { url: "data:," } }]],
    ["prefix", true],
  ])("with %s is refused by name", async (field, value) => {
    const { param, code } = await refused(handedBack({ ...plain, [field]: value }));
    expect({ param, code }).toEqual({ param: `messages[1].${field}`, code: "unsupported_parameter" });
  });
});

describe("null is as good as absent", () => {
  const settings = [
    ...["max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "stop", "seed", "n"],
    ...["frequency_penalty", "presence_penalty", "num_beams", "stream", "stream_options", "logit_bias"],
    ...["user", "metadata", "logprobs", "top_logprobs", "response_format", "store", "modalities"],
    ...["service_tier", "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "verbosity"],
    ...["functions", "function_call", "audio", "prediction", "web_search_options", "truncation"],
    ...["a field of tomorrow"],
  ];

  it("for every setting of a question, and for all of them at once", async () => {
    const nothing = Object.fromEntries(settings.map((name) => [name, null]));
    const { max_tokens, ...others } = nothing;
    expect((await answer({ ...hello, ...others })).choices).toEqual((await answer(hello)).choices);
    const own = await served.post(chat, { ...hello, ...nothing });
    expect(own.status).toBe(200);
  });

  it("inside of parts, options and formats, and hints change nothing", async () => {
    const url = pictureUrl("owl.png");
    const content = [
      { type: "image_url", image_url: { url, detail: null, format: "image/jpeg" }, text: null },
      { type: "text", text: "what is this?", image_url: null, video_url: null, cache_control: null },
    ];
    const found = await answer({
      ...said({ role: "user", content, name: null, tool_calls: null }),
      response_format: { type: "text", json_schema: null },
    });
    expect(found.choices).toEqual((await answer(question("what is this?", url))).choices);
    const options = { stream: true, stream_options: { include_usage: true, include_obfuscation: null } };
    const stream = await served.post(chat, { ...hello, ...options });
    expect(await stream.text()).toContain('"total_tokens"');
    const json_schema = { name: "x", description: null, strict: null, schema: { enum: [null] } };
    const format = { response_format: { type: "json_schema", json_schema } };
    expect((await answer({ ...hello, ...format })).choices[0].message.content).toBe("null");
  });

  it("for completions, feedback and attention as well", async () => {
    const url = pictureUrl("owl.png");
    const bodies: [path: string, body: object, status: number][] = [
      ["/v1/completions", { prompt: "hello", max_tokens: 1, stop: null, suffix: null, best_of: null }, 200],
      ["/v1/completions", { prompt: "hello", max_tokens: 1, echo: null, stream_options: null, x: null }, 200],
      ["/v1/attention", { image: url, layer: null }, 200],
      ["/v1/feedback", { messages: null, note: null }, 404],
    ];
    for (const [path, body, status] of bodies) {
      expect((await served.post(path, { model: "owl-nano", ...body })).status, path).toBe(status);
    }
  });

  it("but what must be there must be there", async () => {
    expect(await refused({ ...hello, model: null })).toMatchObject({
      param: "model",
      code: "missing_required_parameter",
    });
    expect(await refused(said(user(null)))).toMatchObject({ param: "messages[0].content" });
    expect(await refused(said({ role: "system", content: null }, user("hello")))).toMatchObject({
      param: "messages[0].content",
    });
    expect(await refused(said(null))).toMatchObject({ param: "messages[0]" });
  });
});

describe("fields of OpenAI's that change no answer", () => {
  it.each<[field: string, value: unknown]>([
    ["user", "somebody"],
    ["metadata", { tool: "a" }],
    ["safety_identifier", "somebody"],
    ["prompt_cache_key", "a"],
    ["prompt_cache_retention", "24h"],
    ["service_tier", "auto"],
    ["store", false],
    ["parallel_tool_calls", true],
    ["tools", []],
    ["tool_choice", "none"],
    ["logit_bias", {}],
    ["reasoning_effort", "none"],
    ["verbosity", "medium"],
    ["modalities", ["text"]],
    ["prediction", { type: "content", content: "hello" }],
    ["truncation", "disabled"],
    ["top_logprobs", 0],
    ["logprobs", false],
    ["stop", []],
  ])("%s is taken", async (field, value) => {
    expect((await answer({ ...hello, [field]: value })).choices).toEqual((await answer(hello)).choices);
  });

  it.each<[field: string, value: unknown]>([
    ["tools", [{ type: "function", function: { name: "f" } }]],
    ["tool_choice", "required"],
    ["logit_bias", { 5: 100 }],
    ["reasoning_effort", "high"],
    ["verbosity", "low"],
    ["store", true],
    ["web_search_options", {}],
    ["audio", { voice: "a", format: "wav" }],
    ["typical_p", 0.1],
    ["functions", [{ name: "f" }]],
  ])("%s would, and is refused by name", async (field, value) => {
    const { param, code, message } = await refused({ ...hello, [field]: value });
    expect({ param, code }).toEqual({ param: field, code: "unsupported_parameter" });
    expect(message).toContain(`${field}: `);
  });
});

describe("system messages", () => {
  const system = (content: unknown, role = "system"): object => ({ role, content });
  const talk = [user("hello"), { role: "assistant", content: "hi." }];
  const joined = said(system("be brief\nbe kind"), ...talk, user("what do cats eat?"));

  it.each<[says: string, messages: object[]]>([
    ["two in front", [system("be brief"), system("be kind"), ...talk]],
    ["one behind others", [system("be brief"), ...talk, system("be kind")]],
    ["both behind others", [...talk, system("be brief"), system("be kind")]],
    ["developer beside system", [system("be brief"), system("be kind", "developer"), ...talk]],
    ["developer behind others", [...talk, system("be brief", "developer"), system("be kind", "developer")]],
    ["as parts", [...talk, system([{ type: "text", text: "be brief" }]), system("be kind")]],
  ])("%s are joined in front", async (_, messages) => {
    const [found, expected] = [
      await answer(said(...messages, user("what do cats eat?"))),
      await answer(joined),
    ];
    expect(found.choices).toEqual(expected.choices);
    expect(found.usage.prompt_tokens).toBe(expected.usage.prompt_tokens);
  });

  it("may come last", async () => {
    const last = said(system("be brief"), ...talk, user("what do cats eat?"), system("be kind"));
    expect((await answer(last)).choices).toEqual((await answer(joined)).choices);
  });
});

describe("conversations as clients have them", () => {
  it.each<[says: string, body: object]>([
    ["two questions without an answer between", said(user("hello"), user("what do cats eat?"))],
    [
      "two answers in a row",
      said(
        user("hello"),
        { role: "assistant", content: "a" },
        { role: "assistant", content: "b" },
        user("x"),
      ),
    ],
    ["an answer first", said({ role: "assistant", content: "how can I help?" }, user("what do cats eat?"))],
    ["a question without words", said(user(""))],
    ["a part without words", said(user([{ type: "text", text: "" }]))],
    [
      "a picture without words",
      said(user([{ type: "image_url", image_url: { url: pictureUrl("owl.png") } }])),
    ],
    [
      "a picture whose address is a text",
      said(user([{ type: "image_url", image_url: pictureUrl("owl.png") }])),
    ],
  ])("%s", async (_, body) => {
    expect((await answer(body)).usage.prompt_tokens).toBeGreaterThan(3);
  });
});
