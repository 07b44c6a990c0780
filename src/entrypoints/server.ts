/** OpenAI's protocol as a fetch handler; docs/serving.md shows how it is used. */
export {
  fetchRemoteFile,
  type HostAddress,
  RemoteFileError,
  type RemoteFileOptions,
} from "../platform/index.ts";
export {
  type AccessOptions,
  ApiError,
  createServer,
  defaultLimits,
  type Limits,
  type OwlServer,
  type RemoteFetch,
  type ServedModel,
  type ServerEvent,
  type ServerOptions,
} from "../server/index.ts";
