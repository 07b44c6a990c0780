import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".svg": "image/svg+xml",
  ".css": "text/css",
};

/** What makes a page cross-origin isolated, and so lets WebAssembly have threads. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** The strictest policy under which a page can run a model: no scripts of other hosts, no eval. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:";

/** A server of files whose requests are counted. */
export class FileServer {
  readonly asked: string[] = [];
  /** Files that are served with other bytes than on the disk. */
  readonly replaced = new Map<string, Uint8Array>();
  readonly #roots: Readonly<Record<string, string>>;
  readonly #server: Server;
  readonly #isolated: boolean;

  /** @param roots directories by URL path prefix, the longest first */
  constructor(roots: Readonly<Record<string, string>>, isolated: boolean) {
    this.#roots = roots;
    this.#isolated = isolated;
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      this.asked.push(`${request.method} ${path}`);
      this.#read(path).then(
        (bytes) => {
          const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
          const type =
            types[extname(path)] ?? (path.endsWith("/") ? types[".html"] : "application/octet-stream");
          const headers = { "content-type": type, "content-length": bytes.byteLength, etag };
          response.writeHead(200, {
            ...headers,
            "content-security-policy": policy,
            ...(this.#isolated && isolation),
          });
          response.end(request.method === "HEAD" ? undefined : bytes);
        },
        () => response.writeHead(404).end(),
      );
    });
  }

  async #read(path: string): Promise<Uint8Array> {
    const replaced = this.replaced.get(path);
    if (replaced !== undefined) return replaced;
    const [start, root] = Object.entries(this.#roots).find(([start]) => path.startsWith(start)) ?? [];
    if (start === undefined || root === undefined) throw new Error("no such file");
    const rest = normalize(path.slice(start.length));
    return readFile(join(root, rest === "." ? "index.html" : rest));
  }

  /** Its URL; the first call starts the server. */
  async address(): Promise<string> {
    if (!this.#server.listening) {
      await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    }
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
