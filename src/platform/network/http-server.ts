import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Where a server listens, and how long it waits for slow clients. */
export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /**
   * The response to what never becomes a request: malformed (400), too slow (408), chunk extensions that are too long
   * (413), an unknown expectation (417), too many headers (431).
   */
  readonly refuse: (status: number) => Response;
  /** Seconds until the headers must have come. Default 15. */
  readonly headersSeconds?: number | undefined;
  /** Seconds until the whole request must have come. Default 120. */
  readonly requestSeconds?: number | undefined;
  /** Seconds without a byte in either direction after which a connection ends. Default 360. */
  readonly silentSeconds?: number | undefined;
}

/** A listening server. */
export interface HttpServer {
  readonly port: number;
  /** Takes no further connection, gives responses in flight so many seconds to end, then closes every connection. */
  close(seconds: number): Promise<void>;
}

const maxHeaderBytes = 16_384;
const maxConnections = 1024;

/**
 * Lets a fetch handler answer over HTTP/1.1.
 *
 * @param answer must not throw
 * @throws the system's error where nothing can listen there
 */
export async function listenHttp(
  answer: (request: Request) => Promise<Response>,
  options: HttpServerOptions,
): Promise<HttpServer> {
  // Nobody who only imports the library waits for it.
  const { getRequestListener, RequestError } = await import("@hono/node-server");
  const { headersSeconds = 15, requestSeconds = 120, silentSeconds = 360 } = options;
  const server = createServer({
    headersTimeout: 1000 * headersSeconds,
    requestTimeout: 1000 * requestSeconds,
    // How often those two timeouts are checked.
    connectionsCheckingInterval: Math.min(5000, 500 * headersSeconds),
    maxHeaderSize: maxHeaderBytes,
    // A request without one is refused like every other that is malformed.
    requireHostHeader: false,
  });
  server.setTimeout(1000 * silentSeconds);
  server.maxConnections = maxConnections;
  refuseMalformed(server, options.refuse);
  const errorHandler = (error: unknown): Response =>
    options.refuse(error instanceof RequestError ? 400 : 500);
  // Node takes the first of several hosts; a proxy in front may have taken another one (RFC 9112, section 3.2).
  const answerOne = async (request: Request, { incoming }: IncomingRequest): Promise<Response> =>
    hostsOf(incoming.rawHeaders) > 1 ? options.refuse(400) : answer(request);
  server.on("request", getRequestListener(answerOne, { overrideGlobalObjects: false, errorHandler }));
  server.listen(options.port, options.host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: (seconds) => closeServer(server, seconds) };
}

/** The part of the listener's environment that is read here. */
interface IncomingRequest {
  readonly incoming: { readonly rawHeaders: readonly string[] };
}

/** How many hosts a request names; the list alternates headers' names and values. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
}

const statusOfError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers requests that Node's parser rejects, which it would close without a body. */
function refuseMalformed(server: Server, refuse: HttpServerOptions["refuse"]): void {
  const latest = new WeakMap<Socket, ServerResponse>();
  const end = (socket: Socket, status: number): void =>
    void writeReply(socket, refuse(status)).finally(() => socket.destroy());
  server.on("request", (incoming, outgoing) => latest.set(incoming.socket, outgoing));
  server.on("checkExpectation", ({ socket }) => end(socket, 417));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const reply = latest.get(socket);
    // A client in the middle of a response would read another one as its continuation.
    const isReplying = reply?.headersSent === true && !reply.writableFinished;
    if (error.code === "ECONNRESET" || !socket.writable || isReplying) return void socket.destroy();
    end(socket, statusOfError[error.code ?? ""] ?? 400);
  });
}

/** Writes a reply to a connection that has no request, and ends it. */
async function writeReply(socket: Socket, response: Response): Promise<void> {
  const body = Buffer.from(await response.text());
  const lines = [
    `HTTP/1.1 ${response.status} Refused`,
    ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.byteLength}`,
    "connection: close",
  ];
  await new Promise<void>((resolve) =>
    socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]), resolve),
  );
}

async function closeServer(server: Server, seconds: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const tidying = setInterval(() => server.closeIdleConnections(), 50);
  const late = setTimeout(() => server.closeAllConnections(), 1000 * seconds);
  await closed;
  clearInterval(tidying);
  clearTimeout(late);
}
