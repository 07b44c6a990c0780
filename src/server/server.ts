import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { z } from "zod";
import type { EngineOptions } from "../generation/index.ts";
import { checkOptions, type OptionRules, option } from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import type { Truncation } from "../prompt/index.ts";
import { type AccessOptions, accessCheck, basicChallenge } from "./access.ts";
import { readJson } from "./body.ts";
import { type EndpointDefinition, endpoints, plainEndpoints, routeLabel } from "./endpoints.ts";
import { ApiError, errorResponse } from "./errors.ts";
import { FeedbackFile } from "./feedback-file.ts";
import { pageFile } from "./files.ts";
import { completeLimits, type Limits, Quota } from "./limits.ts";
import type { RemoteFetch } from "./media.ts";
import { Metrics } from "./metrics.ts";
import { Models, type ServedModel } from "./models.ts";
import { RequestContext } from "./request-context.ts";
import type { ApiRequest, ServerState } from "./state.ts";

/** What `onEvent` gets. */
export type ServerEvent =
  | {
      readonly kind: "reply";
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly seconds: number;
    }
  /** An internal error; the client got its `id` and nothing else. */
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
  /** Answers a request; never throws. The body of the response may still be streaming when it has returned. */
  fetch(request: Request): Promise<Response>;
  /** Refuses new requests from now on, and returns when the last response has ended. */
  drain(): Promise<void>;
  /** Ends the responses in flight and releases the engines; the caller still owns the models. */
  close(): Promise<void>;
}

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
  readonly #inFlight = new Set<RequestContext>();
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
        () => this.#inFlight.size,
      ),
      remote: options.remote,
      truncation: options.truncation ?? "disabled",
      feedback:
        options.feedback === undefined ? undefined : new FeedbackFile(options.feedback, limits.feedbackBytes),
      queue: new Quota(limits.queue),
      memory: new Quota(limits.bodyBytesAtOnce),
      decoding: new Semaphore(1),
    };
    this.#app = this.#createApp();
  }

  async fetch(request: Request): Promise<Response> {
    const start = performance.now();
    const { limits, metrics } = this.#state;
    const context = new RequestContext(request.signal, limits.seconds, (id, error) =>
      this.#options.onEvent?.({ kind: "error", id, error }),
    );
    this.#inFlight.add(context);
    const response = await this.#app.fetch(request, { context });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    const path = new URL(request.url).pathname;
    context.onEnd(() => {
      const seconds = (performance.now() - start) / 1000;
      const { method } = request;
      const { status } = response;
      metrics.replied(routeLabel(path), status, seconds);
      this.#options.onEvent?.({ kind: "reply", method, path, status, seconds });
      this.#inFlight.delete(context);
      if (this.#inFlight.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    });
    if (!isStream) context.end();
    return response;
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  async close(): Promise<void> {
    for (const context of this.#inFlight) {
      context.abort(new ApiError(503, "the server is being closed", { code: "closed" }));
    }
    await this.drain();
    await this.#state.models.close();
    await this.#state.feedback?.close();
  }

  #createApp(): Hono {
    // A slash at the end of an address makes no difference.
    const app = new Hono({ strict: false });
    const { origins = [] } = this.#options;
    const checkAccess = accessCheck(this.#options);
    app.use(async (c, next) => {
      await next();
      c.res.headers.set("x-content-type-options", "nosniff");
      c.res.headers.set("x-request-id", contextOf(c).id);
    });
    // Before the access check: the preflight request of a browser carries no key.
    if (origins.length > 0) app.use(cors({ origin: [...origins], exposeHeaders: ["x-request-id"] }));
    app.use(async ({ req }, next) => {
      await checkAccess(req.raw);
      if (this.#isDraining) {
        throw new ApiError(503, "the server is about to stop", { code: "stopping", retryAfter: 10 });
      }
      await next();
    });
    for (const endpoint of endpoints) this.#addEndpoint(app, endpoint);
    for (const { path, method } of plainEndpoints) {
      app.all(path, () => methodNotAllowed(method === "GET" ? "GET, HEAD" : method));
    }
    this.#addPage(app);
    this.#addErrors(app);
    return app;
  }

  #addEndpoint(app: Hono, endpoint: EndpointDefinition): void {
    if (endpoint.method === "POST") {
      app.post(endpoint.path, (c) => this.#answer(c, endpoint.handle));
      return;
    }
    app.get(endpoint.path, async (c) => {
      const reply = await endpoint.handle({
        state: this.#state,
        context: contextOf(c),
        request: c.req.raw,
        parameter: (name) => c.req.param(name) ?? "",
      });
      return reply ?? c.notFound();
    });
  }

  /** Every other path is that of a file of the page. */
  #addPage(app: Hono): void {
    app.get("/*", async (c) => {
      const { page } = this.#options;
      if (page === undefined) return c.notFound();
      const { toApiError } = contextOf(c);
      return (await pageFile(page, pathOf(c.req.raw), c.req.raw, toApiError)) ?? c.notFound();
    });
  }

  #addErrors(app: Hono): void {
    app.notFound(({ req }) => errorResponse(nothingAt(new URL(req.url).pathname, req.method)));
    app.onError((error, c) => {
      const apiError = contextOf(c).toApiError(error);
      const response = errorResponse(apiError);
      const isPage = c.req.method === "GET" && !c.req.path.startsWith("/v1/");
      if (apiError.status === 401 && isPage) {
        for (const [name, value] of Object.entries(basicChallenge)) response.headers.set(name, value);
      }
      return response;
    });
  }

  /** Reads the body, and lets the endpoint answer. */
  async #answer(c: Context, handle: (request: ApiRequest) => Promise<Response>): Promise<Response> {
    const { limits, memory } = this.#state;
    const context = contextOf(c);
    const reading = readJson(c.req.raw, limits, memory);
    // Also where the reply is over before the body has come.
    reading.then(
      ({ release }) => context.onEnd(release),
      () => undefined,
    );
    const { value } = await context.race(reading);
    return handle({ state: this.#state, context, body: value });
  }
}

function contextOf(c: Context): RequestContext {
  return (c.env as { context: RequestContext }).context;
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
const protocol = endpoints.filter(({ isOpenAi }) => isOpenAi).map(({ path }) => path);

/** The error for a path that leads nowhere; it names the address of the protocol that was most likely meant. */
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

function methodNotAllowed(allow: string): Response {
  const response = errorResponse(
    new ApiError(405, `this address must be asked by ${allow}`, { code: "method_not_allowed" }),
  );
  response.headers.set("allow", allow);
  return response;
}
