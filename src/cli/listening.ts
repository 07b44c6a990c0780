import { once } from "node:events";
import { createServer } from "node:net";
import { messageOf, UsageError } from "./failure.ts";

/** The default address of `owl serve`. */
export const defaultAddress = { host: "127.0.0.1", port: 8080 } as const;

/** The default port of `owl watch`, beside that of `owl serve`. */
export const watchPort = 8090;

/** Host names that only this machine can use for itself. */
export const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Why the port cannot be used, and what to do about it. */
export function listeningError(error: unknown, host: string, port: number, command = "serve"): UsageError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const said = (words: string): UsageError => new UsageError(`${command}: ${words}`, { cause: error });
  if (code === "EADDRINUSE") {
    return said(
      `--port must be free, got ${port}, where another program listens; give another, as --port ${port < 65_535 ? port + 1 : port - 1}, or --port 0 for any free one`,
    );
  }
  if (code === "EACCES") {
    return said(`--port must be one that you may take, got ${port}; give one above 1023, as --port 8080`);
  }
  if (/^(?:EADDRNOTAVAIL|ENOTFOUND|EAI_|EINVAL)/.test(code)) {
    return said(
      `--host must be an address of this machine, got ${host} (${code}); leave it out for this machine alone, or give 0.0.0.0 for others too`,
    );
  }
  return said(`must be able to listen on ${host}:${port}, got ${messageOf(error)}`);
}

/**
 * @param command what errors begin with
 * @throws UsageError if this port of this address cannot be listened on
 */
export async function requireListening(host: string, port: number, command?: string): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw listeningError(error, host, port, command);
  }
  server.close();
  await once(server, "close");
}
