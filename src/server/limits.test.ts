import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createServer, type OwlServer, type ServerEvent, type ServerOptions } from "./server.ts";
import { eventsOf, modelDirectory, owlServer, poster, question } from "./testing/owl-server.ts";

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

describe("limits", () => {
  it("of a body, by its header and by what comes", async () => {
    const small = serverWith({ limits: { bodyBytes: 1000 } });
    const said = await poster(small)(chat, question("x".repeat(2000)), {
      headers: { "content-length": "5000" },
    });
    expect(await refused(said)).toMatchObject({ status: 413, error: { code: "body_too_large" } });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 400;
        controller.enqueue(new Uint8Array(400).fill(32));
      },
    });
    const init = {
      method: "POST",
      body: endless,
      duplex: "half",
      headers: { "content-type": "application/json" },
    };
    const response = await small.fetch(new Request(`http://localhost${chat}`, init as RequestInit));
    expect((await refused(response)).status).toBe(413);
    expect(sent).toBeLessThan(3000);
  });

  it("of all bodies together, of a slow one, and of one that is cut", async () => {
    const tight = serverWith({ limits: { bodyBytesAtOnce: 1000, bodySeconds: 0.05 } });
    expect(await refused(await poster(tight)(chat, question("x".repeat(2000))))).toMatchObject({
      status: 503,
      retryAfter: "5",
      error: { code: "overloaded" },
    });
    const body = (end: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
      new Request(`http://localhost${chat}`, {
        method: "POST",
        body: new ReadableStream({ start: end }),
        duplex: "half",
        headers: { "content-type": "application/json" },
      } as RequestInit);
    expect((await refused(await tight.fetch(body(() => undefined)))).status).toBe(408);
    const cut = await tight.fetch(body((controller) => controller.error(new Error("reset"))));
    expect((await refused(cut)).status).toBe(400);
    // What was counted was given back.
    expect((await poster(tight)(chat, { ...hello, max_tokens: 1 })).status).toBe(200);
  });

  const endless = { ...hello, repetition_penalty: 0.05, max_tokens: 240 };

  it("of answers in hand: one too many is asked to come again", async () => {
    const narrow = serverWith({ limits: { queue: 1 } });
    const post = poster(narrow);
    const streamed = await post(chat, { ...endless, stream: true });
    const reader = streamed.body?.getReader();
    await reader?.read();
    expect(await refused(await post(chat, hello))).toMatchObject({
      status: 429,
      retryAfter: "5",
      error: { type: "rate_limit_error", code: "queue_full" },
    });
    expect((await refused(await post(chat, { ...hello, n: 2 }))).status).toBe(429);
    await reader?.cancel();
    await expect.poll(async () => (await post(chat, { ...hello, max_tokens: 1 })).status).toBe(200);
  });

  it("of time: a whole answer is refused, a streamed one is told", async () => {
    const hasty = serverWith({ limits: { seconds: 0.2 } });
    const post = poster(hasty);
    // Eight answers: a quick machine is done with one within the time.
    const many = { ...endless, n: 8 };
    expect(await refused(await post(chat, many))).toMatchObject({
      status: 503,
      retryAfter: "30",
      error: { code: "timeout" },
    });
    const events = await eventsOf(await post(chat, { ...many, stream: true }));
    expect(events.at(-1)).toMatchObject({ error: { code: "timeout", type: "server_error" } });
  });

  it("must be above zero", () => {
    const models = { "owl-nano": { owl: served.owl } };
    expect(() => createServer({ models, limits: { queue: 0, seconds: -1 } })).toThrow(
      "limits: queue: must be a number above 0, got 0; seconds: must be a number above 0, got -1",
    );
    expect(() => createServer({ models: {} })).toThrow("must have at least one model");
  });
});

describe("one who goes away", () => {
  const endless = { ...hello, repetition_penalty: 0.05, max_tokens: 240, stream: true };
  const tokens = async (server: OwlServer): Promise<number> => {
    const text = await (await server.fetch(new Request("http://localhost/metrics"))).text();
    return Number(/owl_generated_tokens_total\{.*\} (\d+)/.exec(text)?.[1] ?? 0);
  };

  it("ends its answer, streamed or whole, before many more tokens", async () => {
    const server = serverWith({});
    const post = poster(server);
    const streamed = await post(chat, endless);
    const reader = streamed.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const client = new AbortController();
    const before = await tokens(server);
    const waiting = post(chat, { ...endless, stream: false }, { signal: client.signal });
    // Not by the clock: how many tokens a while has depends on the machine.
    while ((await tokens(server)) < before + 5) await new Promise((resolve) => setTimeout(resolve, 1));
    const begun = await tokens(server);
    client.abort();
    expect((await refused(await waiting)).status).toBe(499);
    expect((await post(chat, { ...hello, max_tokens: 1 })).status).toBe(200);
    const made = await tokens(server);
    expect(before).toBeLessThan(50);
    expect(made - begun).toBeLessThan(20);
    const gone = await post(chat, hello, { signal: AbortSignal.abort() }).catch(() => undefined);
    expect(gone?.status ?? 499).toBe(499);
    expect(await tokens(server)).toBe(made);
  });
});

describe("access", () => {
  it("an API key guards every route", async () => {
    const guarded = serverWith({ apiKey: "a long key" });
    const paths = [
      "/",
      "/healthz",
      "/metrics",
      "/v1/models",
      "/v1/models/owl-nano",
      "/models/owl-nano/config.json",
    ];
    const ask = (path: string, authorization?: string): Promise<Response> =>
      guarded.fetch(
        new Request(`http://localhost${path}`, authorization ? { headers: { authorization } } : {}),
      );
    const wrong = [
      undefined,
      "Bearer",
      "Bearer a long ke",
      "Bearer a long keyy",
      "a long key",
      `Basic ${btoa("x:y")}`,
      "Basic !",
    ];
    for (const authorization of wrong) {
      for (const path of [...paths, "/nowhere"]) {
        expect((await refused(await ask(path, authorization))).status, `${path} ${authorization}`).toBe(401);
      }
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      for (const path of [chat, "/v1/completions", "/v1/feedback", "/v1/attention"]) {
        const refusal = await refused(await poster(guarded)(path, hello, { headers }));
        expect(refusal).toMatchObject({ status: 401, error: { code: "invalid_api_key" } });
      }
    }
    for (const authorization of [
      "Bearer a long key",
      "bearer  a long key",
      `Basic ${btoa("owl:a long key")}`,
    ]) {
      expect((await ask("/healthz", authorization)).status).toBe(200);
    }
    // A browser asks for the key where a page is opened, and only there.
    expect((await ask("/")).headers.get("www-authenticate")).toContain("Basic");
    expect((await ask("/v1/models")).headers.get("www-authenticate")).toBeNull();
  });

  it("a name that is not the server's is refused: pages cannot reach it by a name that leads to it", async () => {
    const local = serverWith({ hosts: ["localhost", "127.0.0.1"] });
    const ask = (origin: string): Promise<Response> => local.fetch(new Request(`${origin}/healthz`));
    expect((await ask("http://127.0.0.1:8080")).status).toBe(200);
    expect((await ask("http://localhost")).status).toBe(200);
    expect(await refused(await ask("http://evil.test:8080"))).toMatchObject({ status: 403 });
  });

  it("pages of other origins read nothing, unless they are allowed to", async () => {
    const headers = { origin: "https://page.test", "access-control-request-method": "POST" };
    const preflight = (server: OwlServer): Promise<Response> =>
      server.fetch(new Request(`http://localhost${chat}`, { method: "OPTIONS", headers }));
    const closed = await preflight(served.server);
    expect(closed.headers.get("access-control-allow-origin")).toBeNull();
    const open = serverWith({ origins: ["https://page.test"], apiKey: "key" });
    expect((await preflight(open)).headers.get("access-control-allow-origin")).toBe("https://page.test");
    const other = await open.fetch(
      new Request(`http://localhost/healthz`, {
        headers: { origin: "https://evil.test", authorization: "Bearer key" },
      }),
    );
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("an error inside", () => {
  it("is told by a number and nothing else; the log has the rest", async () => {
    const events: ServerEvent[] = [];
    const folder = mkdtempSync(join(tmpdir(), "owl-broken-"));
    // A directory where a file should be.
    const broken = serverWith({ feedback: folder, onEvent: (event) => events.push(event) });
    const body = { ...hello, answer: "hi", rating: "up" };
    const { status, error } = await refused(await poster(broken)("/v1/feedback", body));
    rmSync(folder, { recursive: true, force: true });
    const internal = events.find((event) => event.kind === "error");
    expect(status).toBe(500);
    expect(error).toMatchObject({ type: "server_error", code: "internal_error" });
    expect(error.message).toBe(`internal error; the server's log has it under ${internal?.id}`);
    expect(String(internal?.error)).toContain(folder);
    expect(events.at(-1)).toMatchObject({ kind: "reply", path: "/v1/feedback", status: 500 });
  });
});

describe("draining", () => {
  it("refuses what is new, lets answers end, and tells when the last one has", async () => {
    const server = serverWith({});
    const post = poster(server);
    const streamed = await post(chat, { ...hello, max_tokens: 30, repetition_penalty: 0.05, stream: true });
    let isDrained = false;
    const drained = server.drain().then(() => {
      isDrained = true;
    });
    expect(await refused(await post(chat, hello))).toMatchObject({
      status: 503,
      error: { code: "stopping" },
    });
    expect((await server.fetch(new Request("http://localhost/healthz"))).status).toBe(503);
    expect(isDrained).toBe(false);
    const events = await eventsOf(streamed);
    expect(events.at(-1)).toBe("[DONE]");
    expect(events.at(-2)).toMatchObject({ choices: [{ finish_reason: "length" }] });
    await drained;
  });

  it("closing ends answers at once and says so", async () => {
    const server = serverWith({});
    const streamed = await poster(server)(chat, {
      ...hello,
      max_tokens: 240,
      repetition_penalty: 0.05,
      stream: true,
    });
    await server.close();
    expect((await eventsOf(streamed)).at(-1)).toMatchObject({ error: { code: "closed" } });
  });
});
