import { createHash, randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";

/** A repo as the server holds it: every commit's files, large ones behind the second server. */
export interface ServedRepo {
  /** Commit by branch or tag. */
  readonly refs: Record<string, string>;
  readonly commits: Record<string, Record<string, Buffer>>;
  /** Needed to read it; none if absent. */
  readonly token?: string;
  readonly gated?: boolean;
}

/** Files of more bytes than this are "LFS" files. */
const LARGE = 1000;

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
export const gitBlob = (bytes: Buffer): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
export const isLarge = ({ length }: { readonly length: number }): boolean => length > LARGE;

/** The name of a file's content in the cache. */
export const checksumOf = (bytes: Buffer): string => (isLarge(bytes) ? sha256(bytes) : gitBlob(bytes));

export const newCommit = (): string => randomBytes(20).toString("hex");

export function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

export function refuse(response: ServerResponse, status: number, code: string, message: string): undefined {
  const headers = { "Content-Type": "application/json", "X-Error-Code": code, "X-Error-Message": message };
  response.writeHead(status, headers).end(JSON.stringify({ error: message }));
}
