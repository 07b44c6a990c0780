import { getRepoFolderName } from "@huggingface/hub";
import {
  checkOptions,
  joinPath,
  option,
  pathKind,
  readText,
  tryLock,
  writeFileAtomically,
} from "../platform/index.ts";
import { sleep } from "../primitives/index.ts";
import { HubError } from "./errors.ts";
import { isInnerPath, type RepoName, readRepoName } from "./repo-name.ts";
import { isComplete } from "./required-files.ts";
import { type HubOptions, hubSettings } from "./settings.ts";

const COMMIT = /^[0-9a-f]{40}$/;

/** A repo's folder in the hub's cache, in the layout that all of the hub's programs share. */
export class RepoFolder {
  readonly #folder: string;
  readonly #locks: string;

  constructor(cache: string, repo: string) {
    const name = getRepoFolderName({ type: "model", name: repo });
    this.#folder = joinPath(cache, name);
    this.#locks = joinPath(cache, ".locks", name);
  }

  /** The path of the blob with this checksum. */
  blob(checksum: string): string {
    return joinPath(this.#folder, "blobs", checksum);
  }

  /** The path of a file in the snapshot of a commit. */
  file(commit: string, path: string): string {
    if (!isInnerPath(path)) throw new HubError(`${path}: must be a path inside the repo, got one outside`);
    return joinPath(this.snapshot(commit), ...path.split("/"));
  }

  /** The snapshot of a commit: the directory of its files. */
  snapshot(commit: string): string {
    return joinPath(this.#folder, "snapshots", commit);
  }

  /** The commit that a revision was when it was last fetched; undefined if it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (COMMIT.test(revision)) return revision;
    const path = joinPath(this.#folder, "refs", revision);
    if ((await pathKind(path)) !== "file") return undefined;
    const commit = (await readText(path)).trim();
    return COMMIT.test(commit) ? commit : undefined;
  }

  /** Records which commit a branch or tag points at. */
  async setCommit(revision: string, commit: string, signal: AbortSignal | undefined): Promise<void> {
    if (revision === commit) return;
    await this.locked("refs", signal, () =>
      writeFileAtomically(joinPath(this.#folder, "refs", revision), commit),
    );
  }

  /** Runs work under a lock that only one process holds at a time; `onWait` is called where another one holds it. */
  async locked<T>(
    name: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    onWait: () => void = () => undefined,
  ): Promise<T> {
    const path = joinPath(this.#locks, `${name}.lock`);
    let lock = await tryLock(path);
    if (lock === undefined) onWait();
    while (lock === undefined) {
      await sleep(100, signal);
      lock = await tryLock(path);
    }
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }
}

/** A commit in the cache with everything that a model needs, and its directory. */
export interface CachedCommit {
  readonly commit: string;
  readonly directory: string;
}

/** Looks up a repo in the cache; undefined where it is missing or incomplete. */
export async function cachedCommit(
  cache: string,
  { repo, revision }: RepoName,
): Promise<CachedCommit | undefined> {
  const folder = new RepoFolder(cache, repo);
  const commit = await folder.commitOf(revision);
  if (commit === undefined) return undefined;
  const directory = folder.snapshot(commit);
  return (await isComplete(directory)) ? { commit, directory } : undefined;
}

/**
 * The directory of a repo that was fetched, by this package or any other of the hub's programs; undefined where the
 * name is not a repo's or the cache does not hold all that a model needs. Asks no network.
 *
 * @param name `org/name[@revision]`
 */
export async function cachedModel(
  name: string,
  options: Pick<HubOptions, "cache"> = {},
): Promise<string | undefined> {
  checkOptions("cachedModel", options, { cache: option.text });
  const repo = readRepoName(name);
  if (repo === undefined) return undefined;
  return (await cachedCommit(hubSettings(options).cache, repo))?.directory;
}
