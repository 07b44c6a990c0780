import { attention } from "./attention.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { feedback } from "./feedback.ts";
import { modelFile } from "./files.ts";
import type { ApiRequest, GetRequest } from "./state.ts";

interface EndpointPath {
  /** As Hono writes patterns. */
  readonly path: string;
  /** Whether OpenAI's protocol has it: the error for an unknown address lists those that are. */
  readonly isOpenAi?: boolean;
}

interface PostEndpoint extends EndpointPath {
  readonly method: "POST";
  readonly handle: (request: ApiRequest) => Promise<Response>;
}

interface GetEndpoint extends EndpointPath {
  readonly method: "GET";
  /** Undefined: there is nothing of this name. */
  readonly handle: (request: GetRequest) => Promise<Response | undefined> | Response;
}

/** An address that answers a method. A further one is its file and a row of {@link endpoints}. */
export type EndpointDefinition = PostEndpoint | GetEndpoint;

const uncached = (value: object): Response =>
  Response.json(value, { headers: { "cache-control": "no-store" } });

/** All addresses but the page's files, which take every other path. */
export const endpoints: readonly EndpointDefinition[] = [
  { method: "POST", path: "/v1/chat/completions", isOpenAi: true, handle: chatCompletions },
  { method: "POST", path: "/v1/completions", isOpenAi: true, handle: completions },
  { method: "POST", path: "/v1/feedback", handle: feedback },
  { method: "POST", path: "/v1/attention", handle: attention },
  {
    method: "GET",
    path: "/healthz",
    handle: ({ state: { models } }) =>
      uncached({ status: "ok", models: [...models].map(({ name }) => name) }),
  },
  { method: "GET", path: "/metrics", handle: ({ state: { metrics } }) => metrics.response() },
  {
    method: "GET",
    path: "/v1/models",
    isOpenAi: true,
    handle: ({ state: { models, limits } }) => uncached(models.list(limits)),
  },
  {
    method: "GET",
    path: "/v1/models/:name{.+}",
    handle: ({ state: { models }, parameter }) => uncached(models.describe(models.get(parameter("name")))),
  },
  {
    method: "GET",
    path: "/models/:name{.+}/:file",
    handle: ({ state: { models }, parameter, request, context }) =>
      modelFile(models.get(parameter("name")), parameter("file"), request, context.toApiError),
  },
];

/** What stands in front of a pattern's first parameter; undefined where it has none. */
const prefixOf = ({ path }: EndpointDefinition): string | undefined => /^([^:]*):/.exec(path)?.[1];

/** Addresses without parameters: every other method is refused there. */
export const plainEndpoints = endpoints.filter((endpoint) => prefixOf(endpoint) === undefined);

/** An address as metrics count it: few names, whatever is asked for. */
export function routeLabel(address: string): string {
  const path = address.replace(/(.)\/$/, "$1");
  if (plainEndpoints.some((endpoint) => endpoint.path === path)) return path;
  const prefix = endpoints.map(prefixOf).find((start) => start !== undefined && path.startsWith(start));
  return prefix === undefined ? "other" : `${prefix}*`;
}
