import { tmpdir } from "node:os";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteFileError } from "../platform/index.ts";
import { createServer, type OwlServer, type ServerOptions } from "./server.ts";
import { modelDirectory, owlServer, pictureUrl, poster, question } from "./testing/owl-server.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer();
});
afterAll(() => served.close());

const others: OwlServer[] = [];
afterAll(() => Promise.all(others.map((server) => server.close())));

/** Another server of the same owl. */
function serverWith(options: Partial<ServerOptions>): OwlServer {
  const models = { "owl-nano": { owl: served.owl, directory: modelDirectory } };
  const server = createServer({ models, ...options });
  others.push(server);
  return server;
}

interface Refusal {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: unknown;
    readonly code: unknown;
  };
}

async function refused(response: Response): Promise<Refusal> {
  const body = (await response.json()) as Pick<Refusal, "error">;
  expect(Object.keys(body.error)).toEqual(["message", "type", "param", "code"]);
  return { status: response.status, retryAfter: response.headers.get("retry-after"), ...body };
}

const chat = "/v1/chat/completions";
const hello = question("hello");
const pixel = pictureUrl("owl.png");

describe("a request that is wrong", () => {
  const parts = (...content: unknown[]) => ({ model: "owl-nano", messages: [{ role: "user", content }] });
  const wrong: [says: string, body: unknown, param: string | null, message: string][] = [
    ["no JSON", "{", null, "the body must be JSON in UTF-8"],
    ["no object", "[]", null, "expected object"],
    ["nothing", "", null, "the body must be JSON"],
    ["no model", { messages: [] }, "model", "expected string"],
    ["no messages", { model: "owl-nano" }, "messages", "expected array"],
    ["an empty conversation", { model: "owl-nano", messages: [] }, "messages", "at least 1|>=1"],
    ["an unknown field", { ...hello, magic: 1 }, "magic", "no such field is supported here"],
    ["tools", { ...hello, tools: [{}] }, "tools", "this server has no tools"],
    ["audio", { ...hello, audio: { voice: "a" } }, "audio", "no such field is supported here"],
    ["the modality of sound", { ...hello, modalities: ["text", "audio"] }, "modalities", "too big|expected"],
    [
      "a tool's message",
      { ...hello, messages: [{ role: "tool", content: "x" }] },
      "messages[0].role",
      "no such role",
    ],
    [
      "sound",
      parts({ type: "input_audio", input_audio: {} }),
      "messages[0].content[0].type",
      "no such type is supported here; there are text, image_url, video_url",
    ],
    ["content that is none", parts(5), "messages[0].content[0]", "expected object"],
    ["a temperature too high", { ...hello, temperature: 2.1 }, "temperature", "<=2"],
    ["a top_p above 1", { ...hello, top_p: 1.5 }, "top_p", "<=1"],
    ["half an answer", { ...hello, n: 0.5 }, "n", "expected int"],
    ["too many answers", { ...hello, n: 9 }, "n", "at most 8"],
    ["too many tokens", { ...hello, max_tokens: 1e6 }, "max_tokens", "at most 4096"],
    [
      "two longest lengths",
      { ...hello, max_tokens: 1, max_completion_tokens: 1 },
      "max_tokens",
      "newer name",
    ],
    ["too many beams", { ...hello, num_beams: 9 }, "num_beams", "at most 8"],
    ["beams with logprobs", { ...hello, num_beams: 2, logprobs: true }, "num_beams", "must be 1"],
    ["top_logprobs alone", { ...hello, top_logprobs: 2 }, "top_logprobs", "needs logprobs"],
    ["stream_options alone", { ...hello, stream_options: {} }, "stream_options", "needs stream"],
    ["five stops", { ...hello, stop: ["a", "b", "c", "d", "e"] }, "stop", "4"],
    ["an empty stop", { ...hello, stop: "" }, "stop", "1"],
    ["a seed that is no number of JSON", { ...hello, seed: 2 ** 60 }, "seed", "too big"],
    [
      "a last word by the assistant",
      { model: "owl-nano", messages: [{ role: "assistant", content: "x" }] },
      null,
      "ends with a user's message",
    ],
    [
      "a picture by the assistant",
      {
        model: "owl-nano",
        messages: [{ role: "assistant", content: [{ type: "image_url", image_url: { url: pixel } }] }],
      },
      "messages[0].content[0].type",
      "",
    ],
    [
      "a conversation too long for the model",
      question("cat ".repeat(1200)),
      "messages",
      "must fit the model's 1024 positions",
    ],
    [
      "a text that cannot fit",
      question("x".repeat(100_000)),
      "messages",
      "must fit the model's 1024 positions",
    ],
  ];
  it.each(wrong)("%s", async (_, body, param, message) => {
    const streamed = typeof body === "object" && !Array.isArray(body) && param !== "stream_options";
    for (const asked of streamed ? [body, { ...body, stream: true }] : [body]) {
      const refusal = await refused(await served.post(chat, asked));
      expect(refusal).toMatchObject({ status: 400, error: { type: "invalid_request_error", param } });
      expect(refusal.error.message).toMatch(new RegExp(message));
    }
  });

  it("stays short, whatever a field is called", async () => {
    const { error } = await refused(await served.post(chat, { ...hello, ["x".repeat(1e5)]: 1 }));
    expect(error.message).toMatch(/^x{40}… \(100,000 characters\): no such field is supported here$/);
  });

  it("names every problem at once", async () => {
    const { error } = await refused(await served.post(chat, { ...hello, n: 0, temperature: "hot" }));
    expect(error.message).toMatch(/n: .*; temperature: |temperature: .*; n: /);
  });

  it("a model that is not there, and addresses that are not", async () => {
    expect(await refused(await served.post(chat, { ...hello, model: "gpt-4" }))).toMatchObject({
      status: 404,
      error: { param: "model", code: "model_not_found", type: "not_found_error" },
    });
    for (const path of ["/v1/embeddings", "/", "/v1", "/index.html"]) {
      const response = await served.server.fetch(new Request(`http://localhost${path}`));
      expect((await refused(response)).status).toBe(404);
    }
    const get = await served.server.fetch(new Request(`http://localhost${chat}`));
    expect(get.headers.get("allow")).toBe("POST");
    expect((await refused(get)).status).toBe(405);
  });

  it("another content type, or a compressed body", async () => {
    for (const headers of [{ "content-type": "text/plain" }, { "content-encoding": "gzip" }]) {
      expect((await refused(await served.post(chat, hello, { headers }))).status).toBe(415);
    }
  });

  it("JSON nested a million deep, and keys of prototypes", async () => {
    const deep = await refused(await served.post(chat, "[".repeat(1e6)));
    expect(deep.status).toBe(400);
    const closed = `{"model":"owl-nano","messages":${"[".repeat(1e5)}${"]".repeat(1e5)}}`;
    expect((await refused(await served.post(chat, closed))).status).toBe(400);
    const polluting = `{"__proto__":{"model":"owl-nano"},"constructor":{"prototype":{"x":1}}}`;
    expect((await refused(await served.post(chat, polluting))).status).toBe(400);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe("pictures", () => {
  const ask = (url: string, server = served.server) => poster(server)(chat, question("what?", url));
  const param = "messages[0].content[0].image_url.url";

  const wrong: [says: string, url: string, message: string][] = [
    ["a path", "/etc/passwd", "must be a data: or https: URL"],
    ["a file: URL", "file:///etc/passwd", "must be a data: or https: URL"],
    ["http:", "http://example.org/a.png", "must be a data: or https: URL"],
    [
      "https: where nothing is fetched",
      "https://example.org/a.png",
      "this server fetches nothing from elsewhere",
    ],
    ["a javascript: URL", "javascript:alert(1)", "must be a data: or https: URL"],
    ["data that are a text", "data:image/png,abc", "got a text file"],
    ["letters that are no base64", "data:image/png;base64,ab!c", "must hold base64"],
    [
      "base64 of no picture",
      `data:image/png;base64,${btoa("hello")}`,
      "must be a JPEG, PNG, WebP, GIF or AVIF picture",
    ],
    ["half a PNG", pixel.slice(0, 60), "must be a whole PNG file"],
    [
      "a drawing",
      `data:image/svg+xml;base64,${btoa("<svg xmlns='http://www.w3.org/2000/svg'/>")}`,
      "must be a JPEG, PNG",
    ],
    ["nothing", "", "must be a data: or https: URL"],
  ];
  it.each(wrong)("%s", async (_, url, message) => {
    const refusal = await refused(await ask(url));
    expect(refusal).toMatchObject({ status: 400, error: { param } });
    expect(refusal.error.message).toContain(message);
    expect(refusal.error.message).not.toContain(process.cwd());
  });

  it("a picture that is damaged behind its header", async () => {
    const bytes = Buffer.from(pixel.slice(pixel.indexOf(",") + 1), "base64");
    const cut = bytes.subarray(0, bytes.length >> 1);
    const refusal = await refused(await ask(`data:image/png;base64,${cut.toString("base64")}`));
    expect(refusal.status).toBe(400);
    expect(refusal.error.message).toContain("image bytes: must be a whole PNG file");
  });

  it("a video that is none, without a word of where it was looked at", async () => {
    const content = [{ type: "video_url", video_url: { url: `data:video/mp4;base64,${btoa("no video")}` } }];
    const body = {
      model: "owl-nano",
      messages: [{ role: "user", content: [...content, { type: "text", text: "?" }] }],
    };
    const { status, error } = await refused(await served.post(chat, body));
    expect([400, 501]).toContain(status);
    expect(error.message).not.toContain(tmpdir());
  });

  it("a bomb is known by its header, and nothing is decoded", async () => {
    const bomb = Buffer.from(pixel.slice(pixel.indexOf(",") + 1), "base64");
    bomb.writeUInt32BE(12_000, 16);
    bomb.writeUInt32BE(12_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const refusal = await refused(await ask(`data:image/png;base64,${bomb.toString("base64")}`));
    expect(refusal).toMatchObject({ status: 413, error: { param, code: "picture_too_large" } });
    expect(refusal.error.message).toContain("at most 50 million pixels");
  });

  it("too many, too large, and too many pixels for this server", async () => {
    const small = serverWith({ limits: { pictures: 2, pictureBytes: 100, pixels: 100 } });
    const three = question("what?", "data:,", "data:,", "data:,");
    expect(await refused(await poster(small)(chat, three))).toMatchObject({
      status: 413,
      error: { code: "too_many_pictures" },
    });
    expect(await refused(await ask(pixel, small))).toMatchObject({
      status: 413,
      error: { message: expect.stringContaining("at most 100 bytes") },
    });
    const few = serverWith({ limits: { pixels: 100 } });
    expect(await refused(await ask(pixel, few))).toMatchObject({ status: 413, error: { param } });
  });

  it("are fetched from elsewhere where that is allowed, within the limit of bytes", async () => {
    const asked: [string, number][] = [];
    const bytes = Buffer.from(pixel.slice(pixel.indexOf(",") + 1), "base64");
    const fetching = serverWith({
      limits: { pictureBytes: 300_000 },
      remote: async (url, { maxBytes }) => {
        asked.push([url, maxBytes]);
        if (url.endsWith("private"))
          throw new RemoteFileError("remote file from x: must have a public address");
        return new Uint8Array(bytes);
      },
    });
    const here = await (await ask(pixel)).json();
    const there = await (await ask("https://example.org/owl.png", fetching)).json();
    expect(asked).toEqual([["https://example.org/owl.png", 300_000]]);
    expect(there.choices[0].message.content).toBe(here.choices[0].message.content);
    const refusal = await refused(await ask("https://example.org/private", fetching));
    expect(refusal).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining("public address") },
    });
  });
});
