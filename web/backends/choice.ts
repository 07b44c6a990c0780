import type { ChatBackend } from "./backend.ts";
import { ServerBackend } from "./server-backend.ts";

export type BackendName = "server" | "browser";

/** Makes a backend; one that is not offered is absent, and the page's switch is then not there. */
export const backends: Record<BackendName, (() => Promise<ChatBackend>) | undefined> = {
  server: async () => new ServerBackend(""),
  browser: undefined,
};
