/** OpenAI's protocol as a fetch handler. */
export {
  type AccessOptions,
  hostName,
} from "./access.ts";
export { ApiError, refuseMalformed } from "./errors.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { RemoteFetch } from "./media.ts";
export type { ServedModel } from "./models.ts";
export { createServer, type OwlServer, type ServerEvent, type ServerOptions } from "./server.ts";
