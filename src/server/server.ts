import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { z } from "zod";
import type { EngineOptions } from "../generation/index.ts";
import { checkOptions, type OptionRules, option } from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import type { Truncation } from "../prompt/index.ts";
import { type AccessOptions, accessCheck, askForKey } from "./access.ts";
import { attention } from "./attention.ts";
import { readJson } from "./body.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { ApiError, errorResponse } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { feedback } from "./feedback.ts";
import { FeedbackFile } from "./feedback-file.ts";
import { modelFile, pageFile } from "./files.ts";
import { completeLimits, type Limits, Places } from "./limits.ts";
import type { RemoteFetch } from "./media.ts";
import { Metrics } from "./metrics.ts";
import { Models, type ServedModel } from "./models.ts";
import type { Asking, ServerState } from "./state.ts";

/** What a server tells whoever runs it. */
export type ServerEvent =
  | {
      readonly kind: "reply";
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly seconds: number;
    }
  /** An error inside; whoever asked was told its `id` and nothing else. */
  | { readonly kind: "error"; readonly id: string; readonly error: unknown };

export interface ServerOptions extends AccessOptions {
  /** The models by the names that requests call them. */
  readonly models: Readonly<Record<string, ServedModel>>;
  readonly limits?: Partial<Limits> | undefined;
  /** How answers are made together; see {@link EngineOptions}. */
  readonly engine?: EngineOptions | undefined;
  /**
   * What becomes of a conversation that no longer fits, where a request does not say: its oldest turns are left out
   * ("auto"), or it is refused. Default "disabled".
   */
  readonly truncation?: Truncation | undefined;
  /** Fetches pictures that requests name by `https:`. Absent: none are fetched. */
  readonly remote?: RemoteFetch | undefined;
  /** The file that feedback is appended to. Absent: none is kept. */
  readonly feedback?: string | undefined;
  /** The directory of the built page. Absent: there is no page. */
  readonly page?: string | undefined;
  /** Origins whose pages may read replies. Default none. */
  readonly origins?: readonly string[] | undefined;
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** OpenAI's protocol over models, as a function from requests to responses. */
export interface OwlServer {
  /** Answers a request; never throws. The reply's body may go on after it has returned. */
  fetch(request: Request): Promise<Response>;
  /** Refuses new requests from now on, and returns when the last reply is over. */
  drain(): Promise<void>;
  /** Ends replies under way and releases the engines; the models stay the caller's. */
  close(): Promise<void>;
}

type Handler = (asking: Asking) => Promise<Response>;

const posts: Readonly<Record<string, Handler>> = {
  "/v1/chat/completions": chatCompletions,
  "/v1/completions": completions,
  "/v1/feedback": feedback,
  "/v1/attention": attention,
};

/**
 * A server of models. It owns no socket: give its `fetch` to whatever does.
 *
 * @throws OptionsError naming every option that is unknown or cannot be
 */
export function createServer(options: ServerOptions): OwlServer {
  checkOptions("createServer", options, serverRules);
  return new Server(options);
}

const serverRules: OptionRules<ServerOptions> = {
  models: z
    .record(z.string(), z.looseObject({ owl: z.looseObject({ config: z.looseObject({}) }) }))
    .describe('the models by name, { "owl-nano": { owl } }'),
  limits: option.object,
  engine: option.object,
  remote: option.callback,
  truncation: option.oneOf(["auto", "disabled"] satisfies Truncation[]),
  feedback: option.text,
  page: option.text,
  origins: option.texts,
  onEvent: option.callback,
  apiKey: option.text,
  hosts: option.texts,
};

class Server implements OwlServer {
  readonly #options: ServerOptions;
  readonly #state: ServerState;
  readonly #app: Hono;
  readonly #open = new Set<Exchange>();
  #isDraining = false;
  #onIdle: (() => void)[] = [];

  constructor(options: ServerOptions) {
    this.#options = options;
    const limits = completeLimits(options.limits ?? {});
    const models = new Models(options.models, options.engine);
    this.#state = {
      models,
      limits,
      metrics: new Metrics(
        () => [...models].map(({ name, engine }) => [name, engine.statistics] as const),
        () => this.#open.size,
      ),
      remote: options.remote,
      truncation: options.truncation ?? "disabled",
      feedback:
        options.feedback === undefined ? undefined : new FeedbackFile(options.feedback, limits.feedbackBytes),
      queue: new Places(limits.queue),
      memory: new Places(limits.bodyBytesAtOnce),
      decoding: new Semaphore(1),
    };
    this.#app = this.#routes();
  }

  async fetch(request: Request): Promise<Response> {
    const start = performance.now();
    const { limits, metrics } = this.#state;
    const exchange = new Exchange(request.signal, limits.seconds, (id, error) =>
      this.#options.onEvent?.({ kind: "error", id, error }),
    );
    this.#open.add(exchange);
    const response = await this.#app.fetch(request, { exchange });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    const path = new URL(request.url).pathname;
    exchange.atEnd(() => {
      const seconds = (performance.now() - start) / 1000;
      const { method } = request;
      const { status } = response;
      metrics.replied(routeOf(path), status, seconds);
      this.#options.onEvent?.({ kind: "reply", method, path, status, seconds });
      this.#open.delete(exchange);
      if (this.#open.size === 0) for (const tell of this.#onIdle.splice(0)) tell();
    });
    if (!isStream) exchange.end();
    return response;
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  async close(): Promise<void> {
    for (const exchange of this.#open) {
      exchange.abort(new ApiError(503, "the server is being closed", { code: "closed" }));
    }
    await this.drain();
    await this.#state.models.close();
    await this.#state.feedback?.close();
  }

  #routes(): Hono {
    // With or without a slash at an address' end.
    const app = new Hono({ strict: false });
    const { origins = [] } = this.#options;
    const checkAccess = accessCheck(this.#options);
    app.use(async (context, next) => {
      await next();
      context.res.headers.set("x-content-type-options", "nosniff");
      context.res.headers.set("x-request-id", exchangeOf(context).id);
    });
    // A browser asks without a key whether a page may ask with one.
    if (origins.length > 0) app.use(cors({ origin: [...origins], exposeHeaders: ["x-request-id"] }));
    app.use(async ({ req }, next) => {
      await checkAccess(req.raw);
      if (this.#isDraining) {
        throw new ApiError(503, "the server is about to stop", { code: "stopping", retryAfter: 10 });
      }
      await next();
    });
    for (const [path, handler] of Object.entries(posts)) {
      app.post(path, (context) => this.#answer(context, handler));
      app.all(path, () => refusedMethod("POST"));
    }
    this.#addReading(app);
    this.#addRefusals(app);
    return app;
  }

  /** What is read: lists, states and files. */
  #addReading(app: Hono): void {
    const { models, metrics, limits } = this.#state;
    app.get("/healthz", ({ json }) =>
      json({ status: "ok", models: [...models].map(({ name }) => name) }, 200, noStore),
    );
    app.get("/metrics", () => metrics.response());
    app.get("/v1/models", ({ json }) => json(models.list(limits), 200, noStore));
    for (const path of ["/healthz", "/metrics", "/v1/models"])
      app.all(path, () => refusedMethod("GET, HEAD"));
    app.get("/v1/models/:name{.+}", ({ req, json }) =>
      json(models.describe(models.get(req.param("name"))), 200, noStore),
    );
    app.get("/models/:name{.+}/:file", async (context) => {
      const { req, notFound } = context;
      const model = models.get(req.param("name"));
      const file = await modelFile(model, req.param("file"), req.raw, exchangeOf(context).refusal);
      return file ?? notFound();
    });
    app.get("/*", async (context) => {
      const { req, notFound } = context;
      const { page } = this.#options;
      if (page === undefined) return notFound();
      return (await pageFile(page, pathOf(req.raw), req.raw, exchangeOf(context).refusal)) ?? notFound();
    });
  }

  #addRefusals(app: Hono): void {
    app.notFound(({ req }) => errorResponse(nothingAt(new URL(req.url).pathname, req.method)));
    app.onError((error, context) => {
      const refusal = exchangeOf(context).refusal(error);
      const response = errorResponse(refusal);
      const isPage = context.req.method === "GET" && !context.req.path.startsWith("/v1/");
      if (refusal.status === 401 && isPage) {
        for (const [name, value] of Object.entries(askForKey)) response.headers.set(name, value);
      }
      return response;
    });
  }

  async #answer(context: Context, handler: Handler): Promise<Response> {
    const { limits, memory } = this.#state;
    const exchange = exchangeOf(context);
    const reading = readJson(context.req.raw, limits, memory);
    // Also where the exchange ends before the body has come.
    reading.then(
      ({ release }) => exchange.atEnd(release),
      () => undefined,
    );
    const { value } = await exchange.race(reading);
    return handler({ state: this.#state, exchange, body: value });
  }
}

const noStore = { "cache-control": "no-store" };

function exchangeOf(context: Context): Exchange {
  return (context.env as { exchange: Exchange }).exchange;
}

/** The path that a URL names, decoded, without its first slash; one that cannot be decoded leads nowhere. */
function pathOf(request: Request): string {
  try {
    return decodeURIComponent(new URL(request.url).pathname).slice(1);
  } catch {
    return "..";
  }
}

/** The addresses of OpenAI's protocol. */
const protocol = ["/v1/chat/completions", "/v1/completions", "/v1/models"];

/** Says where it is to those who ask for something like it. */
function nothingAt(path: string, method: string): ApiError {
  const asked = path.replace(/\/+$/, "");
  const meant = protocol.find((address) => asked.endsWith(address.slice("/v1".length)));
  const isClient = meant !== undefined || method !== "GET" || /^\/(v1|api)(\/|$)/.test(path);
  const help =
    meant !== undefined
      ? `; ${meant} is what you mean: a client's base URL is http://HOST:PORT/v1`
      : `; of OpenAI's protocol there are ${protocol.join(", ")}`;
  return new ApiError(404, `there is nothing at this address${isClient ? help : ""}`, {
    code: "unknown_url",
  });
}

/** Routes as metrics count them: few names, whatever is asked for. */
function routeOf(address: string): string {
  const path = address.replace(/(.)\/$/, "$1");
  if (path in posts || ["/healthz", "/metrics", "/v1/models"].includes(path)) return path;
  if (path.startsWith("/v1/models/")) return "/v1/models/*";
  return path.startsWith("/models/") ? "/models/*" : "other";
}

function refusedMethod(allow: string): Response {
  const response = errorResponse(
    new ApiError(405, `this address must be asked by ${allow}`, { code: "method_not_allowed" }),
  );
  response.headers.set("allow", allow);
  return response;
}
