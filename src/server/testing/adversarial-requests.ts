import type { Manner } from "./raw-client.ts";

const route = "/v1/chat/completions";
const json = "content-type: application/json";
const body = '{"model":"owl-nano","messages":[{"role":"user","content":"hello"}]}';

const request = (line: string, headers: readonly string[], content = ""): string =>
  [line, ...headers, "connection: close", "", content].join("\r\n");
const get = (path: string, ...headers: string[]): string =>
  request(`GET ${path} HTTP/1.1`, ["host: localhost", ...headers]);
const send = (method: string, path: string, ...headers: string[]): string =>
  request(`${method} ${path} HTTP/1.1`, ["host: localhost", ...headers]);
const post = (headers: readonly string[], content = body): string =>
  request(`POST ${route} HTTP/1.1`, ["host: localhost", json, ...headers], content);
const length = `content-length: ${body.length}`;
const chunked = "transfer-encoding: chunked";
const tls = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/** What was said, the status of the first reply, and how it was said. */
type Row = readonly [description: string, raw: string, status: number, manner?: Manner];

/** What is no HTTP, or bends it. */
export const malformedRequests: readonly Row[] = [
  ["words", "hello there\r\n\r\n", 400],
  ["a greeting of TLS", tls, 400],
  ["another protocol", "SSH-2.0-OpenSSH_9.9\r\n", 400],
  ["a method of nobody's", request("OWL / HTTP/1.1", ["host: localhost"]), 400],
  ["a method in small letters", request("get / HTTP/1.1", ["host: localhost"]), 400],
  ["another version", request("GET / HTTP/9.9", ["host: localhost"]), 400],
  ["no version", "GET /\r\n\r\n", 400],
  ["a blank in the path", request("GET /a b HTTP/1.1", ["host: localhost"]), 400],
  ["no host", request("GET /healthz HTTP/1.1", []), 400],
  ["two hosts", request("GET /healthz HTTP/1.1", ["host: localhost", "host: owl.example"]), 400],
  ["an empty host", request("GET /healthz HTTP/1.1", ["host:"]), 400],
  ["a host with a path", request("GET /healthz HTTP/1.1", ["host: localhost/evil"]), 400],
  ["a host with a user", request("GET /healthz HTTP/1.1", ["host: user@localhost"]), 400],
  ["a host with a blank", request("GET /healthz HTTP/1.1", ["host: local host"]), 400],
  ["a header without a colon", get("/healthz", "hello"), 400],
  ["a blank in a header's name", get("/healthz", "x y: 1"), 400],
  ["a blank before the colon", post(["content-length : 5"]), 400],
  ["a zero in a header", get("/healthz", "x: a\0b"), 400],
  ["a return within a header", get("/healthz", "x: a\rb: c"), 400],
  ["a header without a name", get("/healthz", ": x"), 400],
  ["headers of twenty thousand letters", get("/healthz", `x: ${"y".repeat(20_000)}`), 431],
  ["five thousand headers", get("/healthz", ...Array.from({ length: 5000 }, (_, i) => `x${i}: y`)), 431],
  ["a path of twenty thousand letters", get(`/${"y".repeat(20_000)}`), 431],
  ["a length below zero", post(["content-length: -1"]), 400],
  ["a length that is a word", post(["content-length: many"]), 400],
  ["a length with a sign", post([`content-length: +${body.length}`]), 400],
  ["two lengths in one", post([`content-length: ${body.length}, ${body.length}`]), 400],
  ["two different lengths", post([length, "content-length: 5"]), 400],
  ["a length beyond counting", post([`content-length: ${"9".repeat(30)}`]), 400],
  ["a length and chunks", post([length, chunked], "0\r\n\r\n"), 400],
  ["chunks and a length", post([chunked, length], "0\r\n\r\n"), 400],
  ["chunks that are not the last coding", post(["transfer-encoding: chunked, gzip"], "0\r\n\r\n"), 400],
  ["a coding of nobody's", post(["transfer-encoding: owl"], "0\r\n\r\n"), 400],
  ["a chunk whose size is a word", post([chunked], "owl\r\n\r\n"), 400],
  ["a chunk of a negative size", post([chunked], "-5\r\nhello\r\n"), 400],
  ["a chunk beyond counting", post([chunked], `${"f".repeat(20)}\r\n`), 400],
  ["a chunk that is longer than it says", post([chunked], "2\r\nhello\r\n0\r\n\r\n"), 400],
  ["chunks that talk about themselves", post([chunked], `1;${"x".repeat(40_000)}\r\n{\r\n`), 413],
  ["a body that is cut", post(["content-length: 5000"]), 400, { hangsUp: true }],
  ["chunks that are cut", post([chunked], '5\r\n{"mod'), 400, { hangsUp: true }],
  ["a length too small", post(["content-length: 20"]), 400],
  ["a length of zero", post(["content-length: 0"]), 400],
  ["no length", post([], ""), 400],
  ["a length above the limit", post(["content-length: 99999999999"], ""), 413],
  ["chunks without an end", post([chunked], ""), 413, { endlessly: `400\r\n${" ".repeat(1024)}\r\n` }],
  ["an expectation of nobody's", post(["expect: owls", length]), 417],
  ["a backslash in the path", get("/models\\owl-nano\\config.json"), 400],
];

const types = [
  "text/plain",
  "text/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "application/jsonp",
];
const codings = ["gzip", "deflate", "br", "identity, gzip"];
const nowhere = [
  "/",
  "/v1",
  "/v1/",
  "/v1/embeddings",
  "/v1/files",
  "/v1/chat",
  "/v2/models",
  "/api/generate",
  "/.env",
];
const upwards = [
  ...["/../package.json", "/..%2f..%2fpackage.json", "/%2e%2e/%2e%2e/package.json", "/....//package.json"],
  ...["/models/owl-nano/../../package.json", "/models/owl-nano/..%2f..%2fpackage.json"],
  ...[
    "/models/owl-nano/%2e%2e%2f%2e%2e%2fpackage.json",
    "/models/owl-nano/.git",
    "/models/owl-nano/README.md",
  ],
  ...[
    "/models/owl-nano/config.json%00.png",
    "/models/owl-nano/",
    "/%00",
    "/%ff%fe",
    "/%",
    "/%c0%ae%c0%ae/package.json",
  ],
  ...[
    "/models/../owl-nano/config.json",
    "/models/__proto__/config.json",
    "/v1/models/__proto__",
    "/v1/models/gpt-4",
  ],
];

/** Well-formed requests for what is not there, or not in that way. */
export const misdirectedRequests: readonly Row[] = [
  ...types.map(
    (type): Row => [
      `the type ${type}`,
      request(`POST ${route} HTTP/1.1`, ["host: localhost", `content-type: ${type}`, length], body),
      415,
    ],
  ),
  ["no type", request(`POST ${route} HTTP/1.1`, ["host: localhost", length], body), 415],
  ...codings.map(
    (coding): Row => [`the coding ${coding}`, post([`content-encoding: ${coding}`, length]), 415],
  ),
  ...nowhere.map((path): Row => [path, get(path), 404]),
  ...upwards.map((path): Row => [path, get(path), 404]),
  ...["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"].map(
    (method): Row => [`${method} ${route}`, send(method, route), 405],
  ),
  ...["POST", "DELETE"].flatMap((method) =>
    ["/healthz", "/metrics", "/v1/models"].map((path): Row => [`${method} ${path}`, send(method, path), 405]),
  ),
  ["POST /", send("POST", "/"), 404],
  ["DELETE /models/owl-nano/config.json", send("DELETE", "/models/owl-nano/config.json"), 404],
  ["an address of elsewhere", request("GET http://example.org/healthz HTTP/1.1", ["host: localhost"]), 403],
  ["a host of elsewhere", request("GET /healthz HTTP/1.1", ["host: example.org"]), 403],
  ["a name that only begins as ours", request("GET /healthz HTTP/1.1", ["host: localhost.evil.test"]), 403],
  ["a name that only ends as ours", request("GET /healthz HTTP/1.1", ["host: evil-localhost"]), 403],
  ["our name with a dot", request("GET /healthz HTTP/1.1", ["host: localhost."]), 403],
  ["our address as a mapped one", request("GET /healthz HTTP/1.1", ["host: [::ffff:127.0.0.1]"]), 400],
];
