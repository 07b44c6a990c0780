import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Where a socket listens, and how long it waits for whoever is slow. */
export interface HttpSocketOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /**
   * The reply to what is no request that a handler could be given: malformed (400), too slow (408), with chunks that
   * say too much (413), wanting what is unknown (417), with too many headers (431).
   */
  readonly refuse: (status: number) => Response;
  /** Seconds until the headers must have come. Default 15. */
  readonly headersSeconds?: number | undefined;
  /** Seconds until the whole request must have come. Default 120. */
  readonly requestSeconds?: number | undefined;
  /** Seconds without a byte in either direction after which a connection ends. Default 360. */
  readonly silentSeconds?: number | undefined;
}

/** A handler that is reachable over HTTP. */
export interface HttpSocket {
  readonly port: number;
  /** Takes no further connection, lets replies be read for so many seconds at most, and ends every connection. */
  close(seconds: number): Promise<void>;
}

const mostHeaderBytes = 16_384;
const mostConnections = 1024;

/**
 * Lets a fetch handler answer over HTTP/1.1.
 *
 * @param answer must not throw
 * @throws the system's error where nothing can listen there
 */
export async function listenHttp(
  answer: (request: Request) => Promise<Response>,
  options: HttpSocketOptions,
): Promise<HttpSocket> {
  // Nobody who only imports the library waits for it.
  const { getRequestListener, RequestError } = await import("@hono/node-server");
  const { headersSeconds = 15, requestSeconds = 120, silentSeconds = 360 } = options;
  const server = createServer({
    headersTimeout: 1000 * headersSeconds,
    requestTimeout: 1000 * requestSeconds,
    // How often those two are looked after.
    connectionsCheckingInterval: Math.min(5000, 500 * headersSeconds),
    maxHeaderSize: mostHeaderBytes,
    // A request without one is refused like every other that is malformed.
    requireHostHeader: false,
  });
  server.setTimeout(1000 * silentSeconds);
  server.maxConnections = mostConnections;
  refuseMalformed(server, options.refuse);
  const errorHandler = (error: unknown): Response =>
    options.refuse(error instanceof RequestError ? 400 : 500);
  // Node takes the first of several hosts; whatever stands between may have taken another one (RFC 9112, section 3.2).
  const answerOne = async (request: Request, { incoming }: Asker): Promise<Response> =>
    hostsOf(incoming.rawHeaders) > 1 ? options.refuse(400) : answer(request);
  server.on("request", getRequestListener(answerOne, { overrideGlobalObjects: false, errorHandler }));
  server.listen(options.port, options.host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: (seconds) => closeServer(server, seconds) };
}

/** What the listener tells of a connection's request. */
interface Asker {
  readonly incoming: { readonly rawHeaders: readonly string[] };
}

/** How many hosts a request names; names and values of its headers take turns. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
}

const statusOfError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what Node's parser refuses, which by itself it does without a word. */
function refuseMalformed(server: Server, refuse: HttpSocketOptions["refuse"]): void {
  const latest = new WeakMap<Socket, ServerResponse>();
  const end = (socket: Socket, status: number): void =>
    void writeReply(socket, refuse(status)).finally(() => socket.destroy());
  server.on("request", (incoming, outgoing) => latest.set(incoming.socket, outgoing));
  server.on("checkExpectation", ({ socket }) => end(socket, 417));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const reply = latest.get(socket);
    // Whoever is in the middle of a reply would read another one as its continuation.
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
