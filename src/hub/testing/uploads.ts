import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { checksumOf, isLarge, json, newCommit, refuse, type ServedRepo } from "./served.ts";

/** A request that sent something. */
export interface SentRequest {
  readonly address: string;
  readonly authorization: string | undefined;
  readonly bytes: number;
}

interface Place {
  readonly repos: Map<string, ServedRepo>;
  readonly cdnUrl: string;
}

interface Operation {
  readonly key: "header" | "file" | "lfsFile";
  readonly value: Record<string, string>;
}

/** The part of the hub's protocol that sending files needs. */
export class Uploads {
  /** Opens every repo for writing. */
  token = "hf_write";
  readonly requests: SentRequest[] = [];
  readonly #objects = new Map<string, Buffer>();
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Answers what sends something to the hub; false for any other request. */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== "POST") return false;
    void this.#body(request).then((body) => {
      if (request.headers.authorization !== `Bearer ${this.token}`) {
        refuse(response, 403, "Forbidden", "You do not have the rights to write here");
      } else this.#answer(request.url ?? "", body.toString(), response);
    });
    return true;
  }

  /** The storage: takes an object by its checksum. */
  store(request: IncomingMessage, response: ServerResponse): boolean {
    const oid = /^\/upload\/([0-9a-f]{64})$/.exec(request.url ?? "")?.[1];
    if (request.method !== "PUT" || oid === undefined) return false;
    void this.#body(request).then((body) => {
      const isRight = createHash("sha256").update(body).digest("hex") === oid;
      if (isRight) this.#objects.set(oid, body);
      response.writeHead(isRight ? 200 : 400).end();
    });
    return true;
  }

  async #body(request: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const { authorization, host } = request.headers;
    this.requests.push({ address: `http://${host}${request.url}`, authorization, bytes: body.length });
    return body;
  }

  #answer(url: string, body: string, response: ServerResponse): void {
    if (url === "/api/repos/create") this.#create(JSON.parse(body), response);
    else if (/\.git\/info\/lfs\/objects\/batch$/.test(url)) this.#batch(JSON.parse(body), response);
    else this.#change(url, body, response);
  }

  #change(url: string, body: string, response: ServerResponse): void {
    const [, name = "", action, revision = ""] =
      /^\/api\/models\/(.+?)\/(preupload|commit|branch)\/([^/?]+)/.exec(url) ?? [];
    const repo = this.#place.repos.get(name);
    if (repo === undefined) {
      refuse(response, 404, "RepoNotFound", "Repository not found");
      return;
    }
    const branch = decodeURIComponent(revision);
    if (action === "preupload") this.#preupload(JSON.parse(body), response);
    else if (action === "branch") {
      repo.refs[branch] = repo.refs.main;
      json(response, {});
    } else this.#commit(repo, branch, body, response);
  }

  #create(asked: { name: string; organization: string; visibility: string }, response: ServerResponse): void {
    const name = `${asked.organization}/${asked.name}`;
    if (this.#place.repos.has(name)) {
      refuse(response, 409, "", "You already created this model repo");
      return;
    }
    const commit = newCommit();
    this.#place.repos.set(name, {
      refs: { main: commit },
      commits: { [commit]: { ".gitattributes": Buffer.from("*.safetensors filter=lfs") } },
      ...(asked.visibility === "private" && { token: this.token }),
    });
    json(response, { url: `/${name}`, id: "1" });
  }

  #preupload({ files }: { files: { path: string; size: number }[] }, response: ServerResponse): void {
    const modes = files.map(({ path, size }) => ({
      path,
      uploadMode: isLarge({ length: size }) ? "lfs" : "regular",
    }));
    json(response, { files: modes });
  }

  #batch({ objects }: { objects: { oid: string; size: number }[] }, response: ServerResponse): void {
    const answers = objects.map((one) => ({
      ...one,
      ...(!this.#objects.has(one.oid) && {
        actions: { upload: { href: `${this.#place.cdnUrl}/upload/${one.oid}` } },
      }),
    }));
    json(response, { transfer: "basic", objects: answers });
  }

  #commit(repo: ServedRepo, branch: string, body: string, response: ServerResponse): void {
    const before = repo.refs[branch];
    if (before === undefined) {
      refuse(response, 404, "RevisionNotFound", "Invalid rev id");
      return;
    }
    const files = { ...repo.commits[before] };
    for (const line of body.split("\n")) {
      const { key, value } = JSON.parse(line) as Operation;
      if (key === "file") files[value.path] = Buffer.from(value.content, "base64");
      if (key === "lfsFile") files[value.path] = this.#objects.get(value.oid) ?? Buffer.of();
    }
    const commit = newCommit();
    repo.commits[commit] = files;
    repo.refs[branch] = commit;
    json(response, { commitOid: commit, commitUrl: `/commit/${commit}` });
  }
}

/** The checksums of a branch's files. */
export function servedFiles({ refs, commits }: ServedRepo, branch = "main"): Record<string, string> {
  return Object.fromEntries(
    Object.entries(commits[refs[branch]]).map(([path, bytes]) => [path, checksumOf(bytes)]),
  );
}
