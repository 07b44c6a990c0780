import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gitBlob, isLarge, json, refuse, type ServedRepo, sha256 } from "./served.ts";
import { Uploads } from "./uploads.ts";

export { checksumOf, newCommit } from "./served.ts";

/** A request for a file's bytes, as the server saw and answered it. */
export interface ServedBytes {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  sent: number;
}

/** What goes wrong, by file name. */
export interface Troubles {
  /**
   * Cuts the connection after so many bytes of an answer, so many times, as soon as `until` holds for the bytes of the
   * file that were sent in all: what a client has not yet read when the connection ends may be lost to it.
   */
  readonly cut: Map<string, { after: number; times: number; until: (sent: number) => boolean }>;
  /** Answers with this status, so many times. */
  readonly status: Map<string, { status: number; times: number }>;
  /** Sends other bytes than those described. */
  readonly corrupt: Set<string>;
  /** Sends everything whatever was asked for. */
  readonly ignoreRange: Set<string>;
  /** What the API answers to these questions, instead of the truth. */
  readonly api: Map<string, string>;
  /** Sends an answer's second half when this is fulfilled. */
  readonly hold: Map<string, Promise<void>>;
}

export interface HubServer {
  readonly url: string;
  readonly repos: Map<string, ServedRepo>;
  readonly trouble: Troubles;
  /** Paths that the API was asked for. */
  readonly asked: string[];
  readonly served: ServedBytes[];
  /** What was sent to it, and to its storage. */
  readonly uploads: Uploads;
  stop(): Promise<void>;
}

const PAGE = 3;

/** Speaks the part of the hub's protocol that fetching a model needs, on two addresses: the hub and its CDN. */
export async function startHub(): Promise<HubServer> {
  const hub = new LocalHub();
  hub.cdnUrl = await listen(hub.cdn);
  hub.url = await listen(hub.front);
  return hub;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

class LocalHub implements HubServer {
  url = "";
  cdnUrl = "";
  readonly repos = new Map<string, ServedRepo>();
  readonly trouble: Troubles = {
    cut: new Map(),
    status: new Map(),
    corrupt: new Set(),
    ignoreRange: new Set(),
    api: new Map(),
    hold: new Map(),
  };
  readonly asked: string[] = [];
  readonly served: ServedBytes[] = [];
  readonly uploads = new Uploads(this);
  readonly front = createServer((request, response) => {
    if (!this.uploads.takes(request, response)) this.#answer(request, response);
  });
  readonly cdn = createServer((request, response) => {
    if (this.uploads.store(request, response)) return;
    const [, name, commit, path] = /^\/(.+)\/([0-9a-f]{40})\/(.+)$/.exec(decodeURI(request.url ?? "")) ?? [];
    this.#send(request, response, path, this.repos.get(name)?.commits[commit][path] ?? Buffer.of());
  });

  async stop(): Promise<void> {
    const ends = [this.front, this.cdn].map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    await Promise.all(ends);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(pathname);
    if (api !== null) {
      this.asked.push(pathname);
      const [, name, kind, revision] = api;
      const found = this.#find(request, response, name, decodeURIComponent(revision));
      if (found === undefined) return;
      const instead = this.trouble.api.get(kind);
      if (instead !== undefined) response.end(instead);
      else if (kind === "tree")
        this.#tree(response, found.files, pathname, Number(searchParams.get("cursor")));
      else {
        const known = { id: name, _id: "1", sha: found.commit, private: found.repo.token !== undefined };
        json(response, { ...known, lastModified: "2026-01-01T00:00:00Z" });
      }
      return;
    }
    const [, name, revision, path] = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
    const found = this.#find(request, response, name, decodeURIComponent(revision ?? ""));
    if (found !== undefined) this.#resolve(request, response, found, name, decodeURIComponent(path));
  }

  #find(request: IncomingMessage, response: ServerResponse, name: string, revision: string) {
    const repo = this.repos.get(name);
    const { authorization } = request.headers;
    if (repo === undefined || (repo.token !== undefined && authorization === undefined)) {
      // The hub does not tell whether a private repo is there.
      return refuse(response, 401, "RepoNotFound", "Invalid username or password.");
    }
    if (repo.token !== undefined && authorization !== `Bearer ${repo.token}`) {
      return refuse(response, 404, "RepoNotFound", "Repository not found");
    }
    const commit = repo.refs[revision === "HEAD" ? "main" : revision] ?? revision;
    const files = repo.commits[commit];
    if (files === undefined) return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    return { repo, commit, files };
  }

  #tree(response: ServerResponse, files: Record<string, Buffer>, path: string, from: number): void {
    const entries = Object.entries(files).map(([name, bytes]) => ({
      type: "file",
      path: name,
      size: bytes.length,
      oid: gitBlob(isLarge(bytes) ? Buffer.from(`pointer to ${sha256(bytes)}`) : bytes),
      ...(isLarge(bytes) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } }),
    }));
    const directories = [...new Set(Object.keys(files).flatMap((name) => name.match(/^.+(?=\/)/) ?? []))].map(
      (name) => ({ type: "directory", path: name, size: 0, oid: gitBlob(Buffer.from(name)) }),
    );
    const all = [...directories, ...entries];
    if (from + PAGE < all.length) {
      response.setHeader("Link", `<${this.url}${path}?recursive=true&cursor=${from + PAGE}>; rel="next"`);
    }
    json(response, all.slice(from, from + PAGE));
  }

  #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    { repo, commit, files }: { repo: ServedRepo; commit: string; files: Record<string, Buffer> },
    name: string,
    path: string,
  ): void {
    if (repo.gated) {
      refuse(response, 403, "GatedRepo", `Access to model ${name} is restricted`);
      return;
    }
    const trouble = this.trouble.status.get(path);
    if (trouble !== undefined && trouble.times-- > 0) {
      refuse(response, trouble.status, "", "");
      return;
    }
    const bytes = files[path];
    if (bytes === undefined) {
      refuse(response, 404, "EntryNotFound", "Entry not found");
      return;
    }
    response.setHeader("X-Repo-Commit", commit);
    if (!isLarge(bytes)) {
      response.setHeader("ETag", `"${gitBlob(bytes)}"`);
      this.#send(request, response, path, bytes);
      return;
    }
    response.setHeader("X-Linked-ETag", `"${sha256(bytes)}"`);
    response.setHeader("X-Linked-Size", bytes.length);
    response.writeHead(302, { Location: encodeURI(`${this.cdnUrl}/${name}/${commit}/${path}`) }).end();
  }

  #send(request: IncomingMessage, response: ServerResponse, path: string, content: Buffer): void {
    const { range, authorization } = request.headers;
    const record: ServedBytes = { path, range, authorization, sent: 0 };
    this.served.push(record);
    const from = this.trouble.ignoreRange.has(path) ? 0 : Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    const bytes = this.trouble.corrupt.has(path) ? Buffer.alloc(content.length, "x") : content;
    const rest = bytes.subarray(from);
    const headers = { "Content-Length": rest.length, "Accept-Ranges": "bytes", ETag: `"${sha256(content)}"` };
    if (from > 0) {
      const place = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { ...headers, "Content-Range": place });
    } else response.writeHead(200, headers);
    if (request.method === "HEAD") response.end();
    else this.#body(response, path, rest, record);
  }

  #body(response: ServerResponse, path: string, rest: Buffer, record: ServedBytes): void {
    const cut = this.trouble.cut.get(path);
    const hold = this.trouble.hold.get(path);
    if (cut !== undefined && cut.times-- > 0) {
      record.sent = cut.after;
      response.write(rest.subarray(0, cut.after));
      const sent = this.served.reduce((sum, served) => sum + (served.path === path ? served.sent : 0), 0);
      const timer = setInterval(() => {
        if (!cut.until(sent) && !response.destroyed) return;
        clearInterval(timer);
        response.destroy();
      }, 5);
    } else if (hold !== undefined) {
      const half = rest.length >> 1;
      record.sent = half;
      response.write(rest.subarray(0, half));
      void hold.then(() => {
        record.sent = rest.length;
        response.end(rest.subarray(half));
      });
    } else {
      record.sent = rest.length;
      response.end(rest);
    }
  }
}
