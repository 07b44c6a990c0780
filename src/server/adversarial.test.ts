import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchRemoteFile } from "../platform/index.ts";
import { createServer, type ServerEvent } from "./server.ts";
import {
  adversarialCompletions,
  adversarialFields,
  adversarialRequests,
  adversarialTexts,
} from "./testing/adversarial-bodies.ts";
import { adversarialImages, privateHosts } from "./testing/adversarial-images.ts";
import { malformedRequests, misdirectedRequests } from "./testing/adversarial-requests.ts";
import { modelDirectory, owlServer, pictureUrl, question } from "./testing/owl-server.ts";
import { type Manner, type RawReply, say } from "./testing/raw-client.ts";
import { onSocket } from "./testing/socket.ts";

const chat = "/v1/chat/completions";
const internal: unknown[] = [];
const onEvent = (event: ServerEvent): void => {
  if (event.kind === "error") internal.push(event.error);
};

// Few places and little memory, so that a single one that is not given back would be missed.
const limits = { queue: 2, bodyBytes: 2 ** 20, bodyBytesAtOnce: 1.2 * 2 ** 20 };
const hosts = ["localhost", "127.0.0.1"];
const key = "a long key";

/** A server of elsewhere whose pictures may be fetched: each path is a trick. */
const elsewhere = createTlsServer(tlsFiles(), (request, response) => {
  const redirects: Readonly<Record<string, string>> = {
    "/to-http": "http://pictures.test/a.png",
    "/to-file": "file:///etc/passwd",
    "/to-loopback": "https://127.0.0.2/",
    "/to-cloud": "https://169.254.169.254/latest/meta-data",
    "/to-itself": "/to-itself",
  };
  const location = redirects[request.url ?? ""];
  if (location !== undefined) response.writeHead(302, { location }).end();
  else if (request.url === "/missing") response.writeHead(404).end();
  else if (request.url === "/packed") response.writeHead(200, { "content-encoding": "gzip" }).end("x");
  else if (request.url === "/large") response.writeHead(200, { "content-length": 1e9 }).end("x");
  else if (request.url === "/endless") pourInto(response);
  else response.end(request.url === "/nothing" ? "" : "<svg/>");
});

function tlsFiles(): { cert: string; key: string } {
  const read = (name: string): string =>
    readFileSync(fileURLToPath(new URL(`../../tests/fixtures/tls/${name}`, import.meta.url)), "utf8");
  return { cert: read("certificate.pem"), key: read("key.pem") };
}

function pourInto(response: {
  write(text: string): boolean;
  on(name: "drain", go: () => void): unknown;
}): void {
  const pour = (): void => {
    while (response.write(" ".repeat(65_536)));
  };
  response.on("drain", pour);
  pour();
}

type Socket = Awaited<ReturnType<typeof onSocket>>;
let served: Awaited<ReturnType<typeof owlServer>>;
let open: Socket;
/** The same behind a key, and one that nobody may keep waiting. */
let guarded: Socket;
let impatient: Socket;
let picturesHost: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  picturesHost = `pictures.test:${(elsewhere.address() as AddressInfo).port}`;
  const allowed = [picturesHost, ...privateHosts.map((host) => new URL(`https://${host}`).host)];
  served = await owlServer({
    limits,
    hosts,
    onEvent,
    remote: (url, { maxBytes, signal }) =>
      fetchRemoteFile(url, {
        hosts: allowed,
        maxBytes: Math.min(maxBytes, 1e6),
        signal,
        authorities: tlsFiles().cert,
        // The one name that leads here by a permitted way.
        ...(url.startsWith(`https://${picturesHost}/`) && {
          resolve: async () => [{ address: "127.0.0.1", family: 4 }],
          isAllowedAddress: (address: string) => address === "127.0.0.1",
        }),
      }),
  });
  const models = { "owl-nano": { owl: served.owl, directory: modelDirectory } };
  open = await onSocket(served.server);
  guarded = await onSocket(createServer({ models, apiKey: key, onEvent }));
  const hasty = createServer({ models, onEvent, limits: { ...limits, bodySeconds: 0.2 } });
  impatient = await onSocket(hasty, { headersSeconds: 0.2 });
});
afterAll(async () => {
  await Promise.all([open, guarded, impatient].map((socket) => socket.close()));
  elsewhere.closeAllConnections();
  elsewhere.close();
  await served.close();
});

let asked = 0;

/** What a request is answered first; every refusal is in the protocol's shape and tells nothing of the inside. */
async function refusal(socket: Socket, raw: string | Uint8Array, manner?: Manner): Promise<Refusal> {
  asked++;
  const [reply] = await say(socket.port, raw, manner);
  return refusalOf(reply);
}

interface Refusal {
  readonly status: number;
  readonly error: { readonly message: string; readonly type: string; readonly param: unknown };
}

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  429: "rate_limit_error",
};

function refusalOf({ status, headers, body }: RawReply): Refusal {
  expect(headers["content-type"], body).toContain("application/json");
  const { error, ...rest } = JSON.parse(body) as Refusal;
  expect(rest).toEqual({});
  expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
  expect(error.type).toBe(types[status] ?? (status < 500 ? "invalid_request_error" : "server_error"));
  expect(error.message.length).toBeGreaterThan(10);
  expect(error.message.length).toBeLessThan(11_000);
  for (const inside of [
    process.cwd(),
    tmpdir(),
    homedir(),
    "node_modules",
    "node:",
    ".ts:",
    "ENOENT",
    "0x",
  ]) {
    expect(error.message).not.toContain(inside);
  }
  expect(error.message).not.toMatch(/^\s*at |[a-z]Error:|\[object|undefined/m);
  if (status === 429 || status === 503) expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  return { status, error };
}

/** JSON, or whatever is given in its place, to a route. */
function posted(content: unknown, path = chat, headers: readonly string[] = []): Buffer {
  const text = typeof content === "string" || content instanceof Uint8Array;
  const body = Buffer.from(text ? content : JSON.stringify(content));
  const lines = ["host: localhost", "connection: close", "content-type: application/json", ...headers];
  const head = [`POST ${path} HTTP/1.1`, ...lines, `content-length: ${body.byteLength}`, "", ""];
  return Buffer.concat([Buffer.from(head.join("\r\n")), body]);
}

describe("bodies", () => {
  it.each(adversarialTexts)("%s", async (_, body) => {
    expect((await refusal(open, posted(body))).status).toBe(400);
  });

  it.each(adversarialFields)("%s: %s", async (field, _, body) => {
    const { status, error } = await refusal(open, posted(body));
    expect({ status, param: error.param }).toEqual({ status: 400, param: expect.stringContaining(field) });
  });

  it.each(adversarialRequests)("%s", async (_, body, words, status = 400) => {
    const found = await refusal(open, posted(body));
    expect(found.status).toBe(status);
    expect(`${found.error.param} ${found.error.message}`).toContain(words);
  });

  it.each(adversarialCompletions)("a completion of %s", async (_, body, words, status = 400) => {
    const found = await refusal(open, posted(body, "/v1/completions"));
    expect(found.status).toBe(status);
    expect(`${found.error.param} ${found.error.message}`).toContain(words);
  });
});

describe("pictures", () => {
  it.each(adversarialImages)("%s", async (_, url, status, words) => {
    const found = await refusal(open, posted(question("what?", url)));
    expect(found.error.message).toContain(words);
    expect(found.status).toBe(status);
    const looked = await refusal(open, posted({ model: "owl-nano", image: url }, "/v1/attention"));
    expect(looked).toMatchObject({ status, error: { param: found.error.param && "image" } });
  });

  it.each(privateHosts)("https://%s, though it is allowed by name", async (host) => {
    const { status, error } = await refusal(open, posted(question("what?", `https://${host}/a.png`)));
    expect({ status, message: error.message }).toEqual({
      status: 400,
      message: expect.stringContaining("must have a public address"),
    });
  });

  const addresses: [address: string, words: string][] = [
    ["https://example.org/a.png", "must come from a host that the server allows"],
    ["https://pictures.test/a.png", "must come from a host that the server allows"],
    ["https://pictures.test.:443/a.png", "must come from a host that the server allows"],
    ["https://pictures.test@example.org/", "no user name"],
    ["https://user:word@HOST/", "no user name"],
    ["https://HOST.example.org/", "must have a URL"],
    ["https://example.org#@HOST/", "must come from a host that the server allows"],
    ["https://example.org\\@HOST/", "must come from a host that the server allows"],
    ["https://", "must have a URL"],
    ["https://[::1", "must have a URL"],
    ["https://HOST/to-http", "must have an https: URL"],
    ["https://HOST/to-file", "must have an https: URL"],
    ["https://HOST/to-loopback", "must come from a host that the server allows, got 127.0.0.2"],
    ["https://HOST/to-cloud", "must have a public address"],
    ["https://HOST/to-itself", "at most 3 redirects"],
    ["https://HOST/missing", "the status 200, got 404"],
    ["https://HOST/packed", "no content encoding"],
    ["https://HOST/large", "at most 1000000 bytes"],
    ["https://HOST/endless", "at most 1000000 bytes"],
    ["https://HOST/drawing", "must be a JPEG, PNG"],
    ["https://HOST/nothing", "must be a JPEG, PNG"],
  ];
  it.each(addresses)("%s", async (address, words) => {
    const url = address.replace("HOST", picturesHost);
    const { status, error } = await refusal(open, posted(question("what?", url)));
    expect({ status, message: error.message }).toEqual({
      status: 400,
      message: expect.stringContaining(words),
    });
  });
});

describe("requests", () => {
  const malformed = malformedRequests.map(([says, raw, status, manner = {}]) => ({
    says,
    raw,
    status,
    manner,
  }));
  it.each(malformed)("$says", async ({ raw, status, manner }) => {
    expect((await refusal(open, raw, manner)).status).toBe(status);
  });

  const misdirected = misdirectedRequests.map(([says, raw, status]) => ({ says, raw, status }));
  it.each(misdirected)("$says", async ({ raw, status }) => {
    expect((await refusal(open, raw)).status).toBe(status);
  });

  it("a second one that is smuggled behind a first is answered by itself, or not at all", async () => {
    const hidden = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const [first, ...others] = await say(guarded.port, Buffer.concat([posted({}), Buffer.from(hidden)]));
    expect(first.status).toBe(401);
    for (const other of others) expect(other.status).toBe(401);
  });
});

describe("keys", () => {
  const wrong = [
    "",
    "Bearer",
    "Bearer x",
    `Bearer ${key}x`,
    `Basic ${btoa("owl:x")}`,
    "Basic %%%",
    "Digest x",
    key,
  ];
  const paths = [chat, "/v1/models", "/metrics", "/healthz", "/", "/models/owl-nano/config.json", "/nowhere"];
  it.each(wrong)("authorization: %s", async (given) => {
    for (const path of paths) {
      const headers = [`authorization: ${given}`];
      const get = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n\r\n`;
      const raw = path === chat ? posted(question("hello"), path, headers) : get;
      expect((await refusal(guarded, raw)).status, path).toBe(401);
    }
  });
});

describe("those who take their time", () => {
  const head = `POST ${chat} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  const slow: [says: string, raw: string][] = [
    ["with their first line", "POST /v1/ch"],
    ["with their headers", `${head}x-a: b\r\n`],
    ["with their body", `${head}content-length: 100\r\n\r\n{"mod`],
    ["with their first byte of it", `${head}content-length: 100\r\n\r\n`],
    ["with their chunks", `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"mod`],
    ["with what they expect", `${head}content-length: 100\r\nexpect: 100-continue\r\n\r\n`],
  ];
  it.each(slow)("%s", async (_, raw) => {
    asked++;
    const replies = await say(impatient.port, raw);
    const refusals = replies.filter(({ status }) => status !== 100);
    expect(refusals.map((reply) => refusalOf(reply).status)).toEqual([408]);
  });

  it("all at once: a hundred of them keep nobody from an answer", async () => {
    const waiting = Array.from({ length: 100 }, (_, i) => say(impatient.port, slow[i % slow.length][1]));
    const reply = await fetch(`${impatient.url}/v1/models`);
    expect(reply.status).toBe(200);
    for (const replies of await Promise.all(waiting)) expect(replies.at(-1)?.status).toBe(408);
    asked += waiting.length;
  });
});

describe("what only looks odd", () => {
  const odd: [says: string, fields: object][] = [
    ["half of a surrogate pair", { messages: [{ role: "user", content: "a \ud800 b" }] }],
    ["letters of every kind", { messages: [{ role: "user", content: "\u202e\u0000\ufffe🦉é\u0301" }] }],
    ["null for every field", { temperature: null, stop: null, n: null, seed: null, tools: null }],
    ["the hottest temperature", { temperature: 2, top_p: 1, seed: 2 ** 53 - 1 }],
    ["the coldest", { temperature: 5e-324, top_p: 0, seed: -(2 ** 53 - 1) }],
    ["a stop that is everything", { stop: ["a", "e", "i", " "] }],
    ["more candidates than words", { temperature: 1, top_k: 2 ** 31, seed: 1 }],
    ["every penalty at its end", { frequency_penalty: 2, presence_penalty: -2, repetition_penalty: 10 }],
    ["beams with every setting", { num_beams: 8, length_penalty: -10, no_repeat_ngram_size: 1 }],
  ];
  it.each(odd)("%s", async (_, fields) => {
    asked++;
    const [{ status, body }] = await say(open.port, posted({ ...question("hi"), max_tokens: 2, ...fields }));
    expect(status, body).toBe(200);
    expect(JSON.parse(body).choices[0].message.content).toBeTypeOf("string");
  });
});

describe("after all of them", () => {
  it("a question is answered as ever, and nothing is left taken", async () => {
    expect(asked).toBeGreaterThanOrEqual(200);
    expect(internal).toEqual([]);
    const own = served.owl.chat([{ role: "user", content: "what do cats eat?" }]);
    // Both places, and as much memory as there is.
    const body = { ...question("what do cats eat?"), n: 2, user: "x".repeat(2 ** 20 - 1000) };
    const [{ status, body: text }] = await say(open.port, posted(body));
    expect(status, text).toBe(200);
    const answer = await own.text();
    for (const { message } of JSON.parse(text).choices) expect(message.content).toBe(answer);
    const [seen] = await say(open.port, posted({ ...question("what is this?", pictureUrl("owl.png")) }));
    expect(seen.status).toBe(200);
    for (const socket of [open, impatient]) {
      const metrics = await (await fetch(`${socket.url}/metrics`)).text();
      expect(metrics).toContain('owl_running{model="owl-nano"} 0');
      expect(metrics).toContain('owl_waiting{model="owl-nano"} 0');
      // This very one.
      expect(metrics).toContain("owl_requests_in_hand 1\n");
    }
  });
});
