import type { AddressInfo, Server } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { OwlServer } from "../server.ts";

/** A handler on a free port of this machine. */
export async function onSocket(server: OwlServer): Promise<{ url: string; close(): Promise<void> }> {
  const socket = createAdaptorServer({
    fetch: server.fetch.bind(server),
    overrideGlobalObjects: false,
  }) as Server;
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        socket.close(() => resolve());
        if ("closeAllConnections" in socket) (socket.closeAllConnections as () => void)();
      }),
  };
}
