import { afterEach, expect, test, vi } from "vitest";
import { BackendError, type ChatEvent, type ChatSettings } from "./backend.ts";
import { attachmentAt, pageLimits, readAnswer, ServerBackend, toApiSettings } from "./server-backend.ts";

const settings: ChatSettings = {
  model: "owl",
  maxNewTokens: 9,
  doSample: false,
  temperature: 0.7,
  topK: 5,
  topP: 0.9,
  minP: 0.05,
  seed: 3,
  numBeams: 1,
  noRepeatNgramSize: 0,
  lengthPenalty: 2,
};

/** A body that comes in pieces of so many bytes. */
function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content: string): string => event({ choices: [{ index: 0, delta: { content } }] });
const end = (reason: string): string => event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
const usage = event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } });

async function collect(text: string, size = 1000): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const one of readAnswer(inPieces(text, size))) events.push(one);
  return events;
}

afterEach(() => vi.unstubAllGlobals());

test.each([1, 3, 1000])("an answer in pieces of %i bytes, characters of several bytes too", async (size) => {
  const text = `: hello\n\n${delta("an öwl ")}${delta("🦉")}${end("stop")}${usage}data: [DONE]\n\n`;
  expect(await collect(text, size)).toEqual([
    { text: "an öwl " },
    { text: "🦉" },
    { finish: "stop", usage: { promptTokens: 7, completionTokens: 2 }, notes: undefined },
  ]);
});

test("an answer that was cut says so", async () => {
  expect(await collect(`${delta("a")}${end("length")}data: [DONE]\n\n`)).toEqual([
    { text: "a" },
    { finish: "length", usage: undefined },
  ]);
});

test("a stream that ends early, tells an error or is no JSON is an error in words", async () => {
  await expect(collect(delta("an"))).rejects.toThrow("The connection ended before the answer was complete.");
  await expect(collect(`${delta("an")}${event({ error: { message: "out of memory." } })}`)).rejects.toThrow(
    "The answer broke off in the server: out of memory.",
  );
  await expect(collect("data: {\n\n")).rejects.toThrow(BackendError);
});

test("settings that count for nothing are not sent to other servers, which may not know them", () => {
  expect(toApiSettings(settings, false)).toEqual({ max_tokens: 9, temperature: 0 });
  expect(toApiSettings({ ...settings, doSample: true, noRepeatNgramSize: 2 }, false)).toEqual({
    max_tokens: 9,
    temperature: 0.7,
    top_p: 0.9,
    top_k: 5,
    min_p: 0.05,
    seed: 3,
    no_repeat_ngram_size: 2,
  });
  expect(toApiSettings({ ...settings, numBeams: 3 }, false)).toEqual({
    max_tokens: 9,
    temperature: 0,
    num_beams: 3,
    length_penalty: 2,
  });
});

test("one beam and no limit on repeats are told to our server, whose model may have others of its own", async () => {
  const own = { num_beams: 3, no_repeat_ngram_size: 2 };
  const asked = toApiSettings(settings, true);
  expect({ ...own, ...asked }).toEqual({
    max_tokens: 9,
    temperature: 0,
    num_beams: 1,
    no_repeat_ngram_size: 0,
  });
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", async (address: string, { body }: RequestInit) => {
    if (address === "/v1/models") return Response.json({ data: [{ id: "owl" }], limits: { tokens: 64 } });
    bodies.push(JSON.parse(String(body)));
    return new Response(`${delta("an owl")}${end("stop")}data: [DONE]\n\n`);
  });
  const backend = new ServerBackend("");
  await backend.models();
  const { signal } = new AbortController();
  for await (const _ of backend.chat([], settings, signal));
  expect(bodies).toEqual([expect.objectContaining(asked)]);
});

const refusals: [number, Record<string, string>, string][] = [
  [401, {}, "The server wants a key."],
  [404, {}, "The server does not offer this: said so."],
  [413, {}, "This is more than the server takes: said so."],
  [429, { "retry-after": "5" }, "The server is busy: said so. Try again in 5 seconds."],
  [503, {}, "The server is busy: said so. Try again in a moment."],
  [400, {}, "The server refused this: said so."],
  [500, {}, "Something went wrong in the server: said so."],
];
test.each(refusals)("status %i is told in words", async (status, headers, words) => {
  vi.stubGlobal("fetch", async () => Response.json({ error: { message: "said so." } }, { status, headers }));
  const asking = new ServerBackend("").models();
  await expect(asking).rejects.toThrow(words);
  if (status === 429)
    await expect(asking).rejects.toMatchObject({ kind: "busy", details: { retryAfter: 5 } });
});

test("a server that is gone, and a refusal that is no JSON", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(new ServerBackend("").models()).rejects.toMatchObject({ kind: "unreachable" });
  vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502 }));
  await expect(new ServerBackend("").models()).rejects.toThrow("Something went wrong in the server.");
});

test("a refusal says of what kind it is, and which attachment is in the way", async () => {
  const data = new Blob(["x"], { type: "image/png" });
  const messages = [
    {
      role: "user" as const,
      content: [
        { type: "image" as const, data, id: "first" },
        { type: "text" as const, text: "?" },
      ],
    },
    { role: "assistant" as const, content: [{ type: "text" as const, text: "an owl" }] },
    { role: "user" as const, content: [{ type: "image" as const, data, id: "second" }] },
  ];
  expect(attachmentAt(messages, "messages[2].content[0].image_url.url")).toBe("second");
  for (const param of ["messages", "messages[0].content[1].text", "messages[7].content[0]", "model"])
    expect(attachmentAt(messages, param)).toBeUndefined();
});

test("what a server takes is told with its models", async () => {
  const mebibyte = 2 ** 20;
  vi.stubGlobal("fetch", async () =>
    Response.json({
      data: [{ id: "owl", files: true, max_model_len: 256 }],
      limits: { body_bytes: 8 * mebibyte, pictures: 2, picture_bytes: mebibyte, pixels: 1e6, tokens: 64 },
    }),
  );
  const backend = new ServerBackend("");
  expect(backend.limits).toMatchObject({ attachments: 16, tokens: 4096 });
  expect(await backend.models()).toEqual([{ id: "owl", hasFiles: true, positions: 256 }]);
  expect(backend.limits).toMatchObject({
    attachments: 2,
    tokens: 64,
    picturePixels: 1e6,
    pictureBytes: mebibyte,
  });
  // As many pictures as are taken fit into one request, in base64.
  const { pictureBytes, attachments } = pageLimits({
    body_bytes: 3e6,
    pictures: 16,
    picture_bytes: 2e7,
    pixels: 1,
    tokens: 1,
  });
  expect((pictureBytes * attachments * 4) / 3).toBeLessThan(3e6);
});

test("a server of another make is asked in OpenAI's words alone, and its own errors are understood", async () => {
  const bodies: Record<string, unknown>[] = [];
  let told: unknown;
  let problem: unknown = { error: "too long" };
  const spoken = `${delta("an owl")}${end("stop")}data: [DONE]\n\n`;
  vi.stubGlobal("fetch", async (path: string, { body }: { body?: string }) => {
    if (path.endsWith("/models")) return Response.json({ data: [{ id: "owl" }], limits: told });
    bodies.push(JSON.parse(body ?? ""));
    const most = (told as { tokens?: number } | undefined)?.tokens ?? 0;
    if (Number(bodies.at(-1)?.max_tokens) > most) return Response.json(problem, { status: 400 });
    return new Response(inPieces(spoken, 1000));
  });
  const backend = new ServerBackend("");
  const asked = async () => {
    for await (const event of backend.chat([], settings, AbortSignal.timeout(9000))) void event;
  };
  await backend.models();
  for (const [said, words] of [
    [{ error: "too long" }, /^The server refused this: too long\.$/],
    [{ detail: "not so" }, /: not so\.$/],
    [{ detail: [{ msg: "?" }] }, /^The server refused this\.$/],
    [{ message: "no" }, /: no\.$/],
    [null, /^The server refused this\.$/],
  ] as const) {
    problem = said;
    await expect(asked()).rejects.toThrow(words);
  }
  expect(backend.truncates).toBe(false);
  expect(bodies.every((body) => !("truncation" in body))).toBe(true);
  // Started anew as ours, with a smaller limit and one that is none.
  told = { tokens: 4, pictures: null };
  bodies.length = 0;
  await asked();
  expect(bodies.map(({ max_tokens }) => max_tokens)).toEqual([9, 4]);
  expect(bodies[1]).toMatchObject({ truncation: "auto" });
  expect(backend.limits).toMatchObject({ tokens: 4, attachments: 16 });
});
