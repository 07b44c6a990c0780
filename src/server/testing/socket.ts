import { type HttpServerOptions, listenHttp } from "../../platform/index.ts";
import { refuseMalformed } from "../errors.ts";
import type { OwlServer } from "../server.ts";

/** A handler on a free port of this machine, as `owl serve` has it. */
export async function onSocket(
  server: OwlServer,
  options: Partial<HttpServerOptions> = {},
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const { port, close } = await listenHttp(server.fetch.bind(server), {
    host: "127.0.0.1",
    port: 0,
    refuse: refuseMalformed,
    ...options,
  });
  return { url: `http://127.0.0.1:${port}`, port, close: () => close(0) };
}
