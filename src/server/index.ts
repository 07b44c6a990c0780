/** OpenAI's protocol as a fetch handler. */
export {
  type AccessOptions,
  accessCheck,
  hostName,
} from "./access.ts";
export { ApiError, errorResponse, refuseMalformed } from "./errors.ts";
export { pageFile } from "./files.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { RemoteFetch } from "./media.ts";
export type { ServedModel } from "./models.ts";
export { createServer, type OwlServer, type ServerEvent, type ServerOptions } from "./server.ts";
