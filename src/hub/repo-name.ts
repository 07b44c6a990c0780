import { shortened } from "../platform/index.ts";
import { HubError } from "./errors.ts";

/** A model repo of the hub at a revision. */
export interface RepoName {
  /** `org/name`, or `name` for the oldest repos. */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const PART = /^\w(?:[\w.-]{0,94}\w)?$/;

function isRepo(text: string): boolean {
  const parts = text.split("/");
  return parts.length <= 2 && parts.every((part) => PART.test(part)) && !/--|\.\.|\.git$/.test(text);
}

/** `org/name[@revision]`; undefined where the text cannot be one. The revision is `main` if absent. */
export function readRepoName(text: string): RepoName | undefined {
  const at = text.indexOf("@");
  const repo = at < 0 ? text : text.slice(0, at);
  const revision = at < 0 ? "main" : text.slice(at + 1);
  return isRepo(repo) && isInnerPath(revision) ? { repo, revision } : undefined;
}

/** A file of a repo. */
export interface RepoFile {
  readonly name: RepoName;
  /** Its path in the repo. */
  readonly file: string;
}

/** `org/name/FILE.gguf[@revision]`, a language model in a file of a repo; undefined where the text cannot be one. */
export function readRepoFile(text: string): RepoFile | undefined {
  const [, repo = "", file = "", revision = ""] = /^([^/@]+\/[^/@]+)\/([^@]+\.gguf)(@.*)?$/i.exec(text) ?? [];
  const name = readRepoName(repo + revision);
  return name !== undefined && isInnerPath(file) ? { name, file } : undefined;
}

/** As {@link readRepoName}. @throws HubError where the text cannot be one */
export function parseRepoName(text: string): RepoName {
  const name = typeof text === "string" ? readRepoName(text) : undefined;
  if (name !== undefined) return name;
  const repo = repoOfAddress(String(text));
  const next = repo === undefined ? "check the name" : `write ${repo}`;
  throw new HubError(
    `${shortened(String(text)) || "an empty text"}: must be a repo of the hub, org/name or org/name@revision, or a GGUF file of one, org/name/FILE.gguf, got something else; ${next}`,
  );
}

/** The repo, or the GGUF file of one, that an address of the hub's pages is about. */
export function repoOfAddress(address: string): string | undefined {
  const [, of = "", path = ""] =
    /^https?:\/\/(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)\/(?:blob|resolve)\/main\/([^?#]+)/i.exec(
      address,
    ) ?? [];
  if (readRepoFile(`${of}/${path}`) !== undefined) return `${of}/${path}`;
  const [, repo = ""] = /^https?:\/\/(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)/i.exec(address) ?? [];
  return readRepoName(repo) && repo;
}

/** The name as a person writes it. */
export function writeRepoName({ repo, revision }: RepoName): string {
  return revision === "main" ? repo : `${repo}@${revision}`;
}

/** The file as a person writes it. */
export function writeRepoFile({ name: { repo, revision }, file }: RepoFile): string {
  return revision === "main" ? `${repo}/${file}` : `${repo}/${file}@${revision}`;
}

/**
 * Whether a relative path stays below the directory it is put in, by the rules of every system: names of files
 * and revisions come from outside, and become paths in the cache.
 */
export function isInnerPath(path: string): boolean {
  const parts = path.split(/[\\/]/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that these are not in names is what is checked
  const isPlain = !/[\u0000-\u001f\u007f]/.test(path) && !parts.some((part) => /^[a-z]:/i.test(part));
  return isPlain && parts.every((part) => part !== "" && part !== "." && part !== "..");
}
