import { type ChildProcess, spawn } from "node:child_process";
import { once as event } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { mulberry32 } from "../src/primitives/index.ts";
import { memory } from "./memory.ts";
import { printLine } from "./processor.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
/** Concurrent clients: more than the answers that are generated at once. */
const clients = 12;
const secondsBetweenSamples = 5;
/** A limit small enough that the cache is full after the warm-up. */
const visualCacheBytes = 8e6;
const keyValueCacheBytes = 16e6;

type Random = () => number;

/** One kind of request; returns the expected status, or throws. */
type SendRequest = (url: string, random: Random) => Promise<void>;

const oneOf = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)];
const texts = ["what is this?", "what do cats eat?", "where do fish live?", "hello", "what is a piano for?"];
const examples = ["owl", "penguin", "sunflower", "umbrella"].map(
  (name) => `data:image/png;base64,${readFileSync(path(`../examples/${name}.png`)).toString("base64")}`,
);

function chunk(name: string, data: Uint8Array): Buffer {
  const framed = Buffer.concat([Buffer.alloc(4), Buffer.from(name), data, Buffer.alloc(4)]);
  framed.writeUInt32BE(data.length, 0);
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), framed.length - 4);
  return framed;
}

/** A new picture each time, so that no cache has it: grey stripes. */
function newPicture(random: Random): string {
  const [width, height] = [32 + Math.floor(300 * random()), 32 + Math.floor(300 * random())];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const rows = Array.from({ length: height }, () => [0, ...new Array<number>(width).fill(256 * random())]);
  const chunks = [
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ];
  const bytes = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
  return `data:image/png;base64,${bytes.toString("base64")}`;
}

function question(random: Random, fields: object = {}, ...pictures: readonly string[]): object {
  const parts = pictures.map((url) => ({ type: "image_url", image_url: { url } }));
  const content = [...parts, { type: "text", text: oneOf(random, texts) }];
  return { model: "owl-nano", messages: [{ role: "user", content }], max_tokens: 32, ...fields };
}

function post(
  url: string,
  body: unknown,
  signal?: AbortSignal,
  route = "chat/completions",
): Promise<Response> {
  return fetch(`${url}/v1/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
}

async function expectStatus(response: Response, ...statuses: readonly number[]): Promise<string> {
  const text = await response.text();
  // A full queue (429) is a valid reply too.
  if (statuses.includes(response.status) || response.status === 429) return text;
  throw new Error(`must be answered ${statuses.join(" or ")}, got ${response.status}: ${text.slice(0, 200)}`);
}

const sampled = (random: Random): object => ({ temperature: 1.2, seed: Math.floor(1e9 * random()) });

/** A streamed answer whose client disconnects after some events. */
async function disconnect(url: string, random: Random): Promise<void> {
  const stop = new AbortController();
  const fields = { stream: true, repetition_penalty: 0.05, max_tokens: 240, n: 2 };
  try {
    const { body } = await post(url, question(random, fields), stop.signal);
    const reader = body?.getReader();
    for (let events = Math.floor(20 * random()); events > 0; events--) await reader?.read();
    stop.abort();
    await reader?.cancel();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

/** Two turns, the second with the first as cached prefix. */
async function twoTurns(url: string, random: Random): Promise<void> {
  const first = question(random, {}, oneOf(random, examples)) as { messages: object[] };
  const reply = await post(url, first);
  const text = await expectStatus(reply, 200);
  if (reply.status !== 200) return;
  const { message } = JSON.parse(text).choices[0];
  const assistant = { role: "assistant", content: message.content };
  const messages = [...first.messages, assistant, { role: "user", content: oneOf(random, texts) }];
  await expectStatus(await post(url, { ...first, messages, ...sampled(random) }), 200);
}

/** A JSON schema that hardly ever repeats. */
async function json(url: string, random: Random): Promise<void> {
  const name = `field${Math.floor(1000 * random())}`;
  const schema = {
    type: "object",
    properties: { [name]: { type: "integer" }, kind: { enum: ["a", "b"] } },
    required: [name, "kind"],
  };
  const response_format = { type: "json_schema", json_schema: { name: "x", schema } };
  await expectStatus(await post(url, question(random, { response_format, ...sampled(random) })), 200);
}

/** Sends one request. */
function once(
  make: (random: Random) => unknown,
  statuses: readonly number[] = [200],
  route?: string,
): SendRequest {
  return async (url, random) => {
    await expectStatus(await post(url, make(random), undefined, route), ...statuses);
  };
}

const stream = { stream: true };
const logprobs = { n: 2, logprobs: true, top_logprobs: 5 };
const beams = { num_beams: 3, max_tokens: 12 };
const malformed = ["{", "[[[[", '{"model":1}', "x".repeat(1e5)];
const wrong = [{ n: 0 }, { magic: 1 }, { model: "x" }];
const pages = ["/metrics", "/v1/models", "/healthz", "/nowhere"];

/** The kinds of request, each repeated by its weight. */
const requestKinds: readonly (readonly [name: string, weight: number, ask: SendRequest])[] = [
  ["stream", 6, once((random) => question(random, { ...stream, ...sampled(random) }))],
  ["whole", 4, once((random) => question(random, logprobs))],
  ["picture seen", 4, once((random) => question(random, stream, oneOf(random, examples)))],
  ["picture new", 3, once((random) => question(random, {}, newPicture(random)))],
  ["conversation", 3, twoTurns],
  ["left", 3, disconnect],
  ["json", 2, json],
  ["beams", 1, once((random) => question(random, beams))],
  [
    "completion",
    1,
    once(() => ({ model: "owl-nano", prompt: ["Human: hi\nAI:", "a"] }), [200], "completions"),
  ],
  ["attention", 1, once((random) => ({ model: "owl-nano", image: newPicture(random) }), [200], "attention")],
  ["malformed", 2, once((random) => oneOf(random, malformed), [400])],
  ["wrong", 2, once((random) => question(random, oneOf(random, wrong)), [400, 404])],
  [
    "read",
    2,
    async (url, random) => void (await expectStatus(await fetch(url + oneOf(random, pages)), 200, 404)),
  ],
];
const weightedKinds = requestKinds.flatMap(([name, weight, ask]) =>
  Array.from({ length: weight }, () => ({ name, ask })),
);

/** The slope of the least-squares line through points. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  const spread = mean((point) => (point[0] - x) ** 2);
  return mean((point) => (point[0] - x) * (point[1] - y)) / spread;
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^owl_${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1]);
}

/** `owl serve` in a process of its own, so that its memory is measured without the clients'. */
async function serve(): Promise<{ child: ChildProcess; url: string }> {
  const small = ["--visual-cache-bytes", `${visualCacheBytes}`, "--kv-cache-bytes", `${keyValueCacheBytes}`];
  const words = ["serve", path("../models/owl-nano"), "--port", "0", "--no-web", "--no-api-key", ...small];
  const child = spawn(process.execPath, ["--import", "tsx", path("../src/cli/main.ts"), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await Promise.race([
    event(child.stdout, "data"),
    event(child, "exit").then(([code]) => {
      throw new Error(`soak: owl serve must listen, and ended with ${code}`);
    }),
  ]);
  return { child, url: /http:\S+/.exec(`${line}`)![0] };
}

/**
 * `bench soak [minutes]`: mixed load from many clients over sockets. A line each minute; at the end the growth of the server's
 * resident memory, in MB a minute, over the second half. Fails if a reply had an unexpected status, a resource is not
 * released, or the server does not exit cleanly.
 */
export async function soakBench([minutes = "10"]: readonly string[]): Promise<void> {
  const { child, url } = await serve();
  const began = performance.now();
  const minutesSince = (): number => (performance.now() - began) / 60_000;
  const counts: Record<string, number> = Object.fromEntries(requestKinds.map(([name]) => [name, 0]));
  const failures: string[] = [];
  const samples: [number, number][] = [];

  const client = async (seed: number): Promise<void> => {
    const random = mulberry32(seed);
    while (minutesSince() < Number(minutes)) {
      const { name, ask } = oneOf(random, weightedKinds);
      counts[name]++;
      await ask(url, random).catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
    }
  };
  let lastTokens = 0;
  let lastMinute = 0;
  const report = async (): Promise<void> => {
    const tokens = await metric(url, "generated_tokens_total");
    const line = {
      minute: minutesSince(),
      requests: Object.values(counts).reduce((sum, count) => sum + count, 0),
      failures: failures.length,
      tokens_per_s: (tokens - lastTokens) / (60 * (minutesSince() - lastMinute)),
      ...memory(child.pid),
    };
    [lastTokens, lastMinute] = [tokens, line.minute];
    printLine(line);
  };
  const sampling = setInterval(
    () => samples.push([minutesSince(), memory(child.pid).resident_mb]),
    1000 * secondsBetweenSamples,
  );
  const reporting = setInterval(() => void report(), 60_000);
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
  clearInterval(sampling);
  clearInterval(reporting);
  await report();

  const settled = samples.filter(([minute]) => minute > Number(minutes) / 2);
  const growth = settled.length < 2 ? null : slope(settled);
  const left = { running: await metric(url, "running"), waiting: await metric(url, "waiting") };
  const ended = event(child, "exit");
  child.kill("SIGTERM");
  const [code] = await ended;
  const result = {
    asked: counts,
    growth_mb_per_minute: growth,
    left,
    exit: code,
    failures: failures.slice(0, 10),
  };
  printLine(result);
  if (failures.length > 0 || left.running + left.waiting > 0 || code !== 0) process.exitCode = 1;
}
