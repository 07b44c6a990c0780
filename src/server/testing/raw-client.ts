import { connect } from "node:net";

/** A reply as it came over the wire. */
export interface RawReply {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Manner {
  /** Says so much again and again until somebody answers. */
  readonly endlessly?: string | undefined;
  /** Ends its side of the connection when all is said. */
  readonly hangsUp?: boolean | undefined;
}

const maxTries = 4;

/**
 * Says these bytes to a port of this machine, and gives the replies when the other side has closed. Who goes on sending to
 * a side that has closed is reset, and may lose a reply that has arrived but was not read yet (RFC 9112, section 9.6): then
 * it is said again.
 */
export async function say(port: number, text: string | Uint8Array, manner: Manner = {}): Promise<RawReply[]> {
  for (let tries = 1; ; tries++) {
    const replies = await sayOnce(port, text, manner);
    if (replies.length > 0 || manner.endlessly === undefined || tries === maxTries) return replies;
  }
}

function sayOnce(
  port: number,
  text: string | Uint8Array,
  { endlessly, hangsUp = false }: Manner,
): Promise<RawReply[]> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    const goOn = (): void => {
      if (endlessly === undefined || parts.length > 0) return;
      while (socket.writable && socket.write(endlessly));
    };
    socket.on("data", (part) => parts.push(part));
    socket.on("drain", goOn);
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(repliesOf(Buffer.concat(parts))));
    socket.write(text);
    if (hangsUp) socket.end();
    goOn();
  });
}

function repliesOf(bytes: Buffer): RawReply[] {
  const replies: RawReply[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) throw new Error(`a reply must have headers, got ${rest.toString("latin1").slice(0, 200)}`);
    const [first, ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    const length = status === 100 ? 0 : Number(headers["content-length"] ?? rest.length);
    replies.push({ status, headers, body: rest.subarray(end + 4, end + 4 + length).toString() });
    rest = rest.subarray(end + 4 + length);
  }
  return replies;
}
