import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Owl } from "../../owl/index.ts";
import { createServer, type OwlServer, type ServerOptions } from "../server.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The shipped model, which the tests of the server ask. */
export const modelDirectory = join(root, "models/owl-nano");

/** The path of a picture of `examples/`. */
export const picturePath = (name: string): string => join(root, "examples", name);

/** A picture of `examples/` as a data: URL. */
export const pictureUrl = (name: string): string =>
  `data:image/png;base64,${readFileSync(picturePath(name)).toString("base64")}`;

/** The shipped owl and a server of it, as `owl-nano`. */
export async function owlServer(
  options: Partial<ServerOptions> = {},
): Promise<{ owl: Owl; server: OwlServer; post: Post; close(): Promise<void> }> {
  const owl = await Owl.load(modelDirectory, { threads: 1 });
  const server = createServer({ models: { "owl-nano": { owl, directory: modelDirectory } }, ...options });
  return {
    owl,
    server,
    post: poster(server),
    async close() {
      await server.close();
      await owl.close();
    },
  };
}

/** Sends JSON to a route. */
export type Post = (path: string, body: unknown, init?: RequestInit) => Promise<Response>;

export function poster(server: OwlServer): Post {
  return (path, body, init = {}) =>
    server.fetch(
      new Request(`http://localhost${path}`, {
        method: "POST",
        ...init,
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": "application/json", ...(init.headers as Record<string, string>) },
      }),
    );
}

/** A question to the shipped owl, with pictures in front. */
export function question(text: string, ...urls: readonly string[]): object {
  const pictures = urls.map((url) => ({ type: "image_url", image_url: { url } }));
  return {
    model: "owl-nano",
    messages: [{ role: "user", content: [...pictures, { type: "text", text }] }],
  };
}

/** The data of the events of a stream, as JSON where they are. */
export async function eventsOf(response: Response): Promise<unknown[]> {
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  return lines.map((line) => {
    const data = line.replace(/^data: /, "");
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}
