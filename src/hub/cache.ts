import { besideAdapter } from "../checkpoint/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  checkOptions,
  FileError,
  joinPath,
  option,
  pathKind,
  readText,
  tryLock,
  writeFileAtomically,
} from "../platform/index.ts";
import { sleep } from "../primitives/index.ts";
import { HubError } from "./errors.ts";
import { wholeGgufFile, wholeGgufModels } from "./gguf-files.ts";
import { isInnerPath, type RepoName, readRepoFile, readRepoName, writeRepoFile } from "./repo-name.ts";
import { isComplete, optionalFiles, weightFiles } from "./required-files.ts";
import { cachePath, type HubOptions } from "./settings.ts";

const COMMIT = /^[0-9a-f]{40}$/;

/** A repo's folder in the hub's cache, in the layout that all of the hub's programs share. */
export class RepoFolder {
  readonly #folder: string;
  readonly #locks: string;

  constructor(cache: string, repo: string) {
    const name = ["models", ...repo.split("/")].join("--");
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
    if ((await this.commitOf(revision)) === commit) return;
    await this.locked("refs", signal, () =>
      writeFileAtomically(joinPath(this.#folder, "refs", revision), commit),
    );
  }

  /**
   * Records files that a commit does not have, as the hub's own programs record them: whoever has the others need not
   * ask the hub again. A cache that cannot be written holds no record, so that it is asked each time.
   */
  async setAbsent(commit: string, paths: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const write = async (): Promise<void> => {
      for (const path of paths) await writeFileAtomically(this.#absent(commit, path), "");
    };
    await this.locked("refs", signal, write).catch((error: unknown) => {
      if (!(error instanceof FileError)) throw error;
    });
  }

  /** Whether each of these files of a commit is either here or recorded as absent from the repo. */
  async knows(commit: string, paths: readonly string[]): Promise<boolean> {
    const isFile = async (path: string): Promise<boolean> => (await pathKind(path)) === "file";
    for (const path of paths) {
      if (!(await isFile(this.file(commit, path))) && !(await isFile(this.#absent(commit, path))))
        return false;
    }
    return true;
  }

  #absent(commit: string, path: string): string {
    return joinPath(this.#folder, ".no_exist", commit, ...path.split("/"));
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

/** A commit in the cache with everything that a model needs. */
export interface CachedCommit {
  readonly commit: string;
  /** The model's directory, or its GGUF file. */
  readonly directory: string;
}

/**
 * Looks up a repo in the cache; undefined where it is missing or incomplete.
 *
 * @param file a GGUF file of it; default: its whole model, or else the one GGUF model in the cache
 */
export async function cachedCommit(
  cache: string,
  { repo, revision }: RepoName,
  file?: string,
): Promise<CachedCommit | undefined> {
  const folder = new RepoFolder(cache, repo);
  const commit = await folder.commitOf(revision);
  if (commit === undefined) return undefined;
  const snapshot = folder.snapshot(commit);
  const isWhole = file === undefined && (await isComplete(snapshot));
  const directory = isWhole ? snapshot : await ggufOf(snapshot, file);
  return directory === undefined ? undefined : { commit, directory };
}

/**
 * Whether the cache also knows that the repo has no more of the model than this: other programs fetch some of a repo's files, such
 * as weights without the tokenizer, an adapter's matrices without the tensors beside them, or one GGUF file of a repo with other
 * weights.
 */
export async function isKnownWhole(cache: string, { repo }: RepoName, found: CachedCommit): Promise<boolean> {
  const folder = new RepoFolder(cache, repo);
  const isDirectory = found.directory === folder.snapshot(found.commit);
  return folder.knows(found.commit, isDirectory ? optionalFiles : weightFiles);
}

/**
 * Whether what the cache has can be taken without the hub's word: a directory with weights and a tokenizer, or an adapter with
 * tensors beside its matrices or the record that it has none. An adapter without both may be half of one.
 */
export async function canStandAlone(
  cache: string,
  { repo }: RepoName,
  { commit, directory }: CachedCommit,
): Promise<boolean> {
  const folder = new RepoFolder(cache, repo);
  if (directory !== folder.snapshot(commit)) return false;
  const holds = async (name: string): Promise<boolean> =>
    (await pathKind(joinPath(directory, name))) === "file";
  const holdsAny = async (names: readonly string[]): Promise<boolean> =>
    (await Promise.all(names.map(holds))).includes(true);
  if (await holds(modelFiles.adapterConfig)) {
    return (await holdsAny(besideAdapter)) || folder.knows(commit, besideAdapter);
  }
  return holdsAny([modelFiles.tokenizer, modelFiles.sentencePiece]);
}

async function ggufOf(snapshot: string, file: string | undefined): Promise<string | undefined> {
  if (file !== undefined) return wholeGgufFile(snapshot, file);
  const [only, ...others] = await wholeGgufModels(snapshot);
  return only === undefined || others.length > 0 ? undefined : joinPath(snapshot, ...only.split("/"));
}

/** The GGUF models of a repo in the cache, as they are named. */
export async function cachedGgufModels(
  name: string,
  options: Pick<HubOptions, "cache"> = {},
): Promise<string[]> {
  const repo = readRepoName(name);
  if (repo === undefined) return [];
  const folder = new RepoFolder(options.cache ?? cachePath(), repo.repo);
  const commit = await folder.commitOf(repo.revision);
  const files = commit === undefined ? [] : await wholeGgufModels(folder.snapshot(commit));
  return files.map((file) => writeRepoFile({ name: repo, file }));
}

/**
 * The directory of a repo that was fetched, by this package or any other of the hub's programs, or the GGUF file that
 * is named or is the only model there; undefined where the name is not a repo's or the cache does not hold all that a
 * model needs. Asks no network.
 *
 * @param name `org/name[@revision]`, `org/name/FILE.gguf[@revision]`
 */
export async function cachedModel(
  name: string,
  options: Pick<HubOptions, "cache"> = {},
): Promise<string | undefined> {
  checkOptions("cachedModel", options, { cache: option.text });
  const of = readRepoFile(name);
  const repo = of?.name ?? readRepoName(name);
  if (repo === undefined) return undefined;
  return (await cachedCommit(options.cache ?? cachePath(), repo, of?.file))?.directory;
}
