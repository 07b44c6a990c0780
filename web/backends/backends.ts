import type { ChatBackend } from "./backend.ts";
import { ServerBackend } from "./server-backend.ts";

export type BackendName = "server" | "browser";

/**
 * Makes a backend.
 *
 * @param onProblem told, in words for the user, of trouble that ends no request
 */
type MakeBackend = (onProblem: (words: string) => void) => Promise<ChatBackend>;

/** The backends by name; `undefined` for one that is not offered: the page then shows no switch to it. */
export const backends: Record<BackendName, MakeBackend | undefined> = {
  server: async () => new ServerBackend(""),
  browser: async (onProblem) => {
    const { BrowserBackend } = await import("./browser-backend.ts");
    return new BrowserBackend(onProblem);
  },
};
