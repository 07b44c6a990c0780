import { notices } from "../chat/notices.svelte.ts";
import type { ChatBackend } from "./backend.ts";
import { ServerBackend } from "./server-backend.ts";

export type BackendName = "server" | "browser";

/** Makes a backend; one that is not offered is absent, and the page's switch is then not there. */
export const backends: Record<BackendName, (() => Promise<ChatBackend>) | undefined> = {
  server: async () => new ServerBackend(""),
  browser: async () => {
    const { BrowserBackend } = await import("./browser-backend.ts");
    return new BrowserBackend((words) => notices.problem(words));
  },
};
