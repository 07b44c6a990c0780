import { weightFormats, wholeFile } from "../checkpoint/index.ts";
import { ggufParts } from "../gguf/index.ts";
import { isGgufFile } from "../model-files/index.ts";
import { checkOptions, FileError, freeBytes, type OptionRules, option } from "../platform/index.ts";
import { type CachedCommit, cachedCommit, canStandAlone, isKnownWhole, RepoFolder } from "./cache.ts";
import { download, presentBytes } from "./download.ts";
import { ChecksumError, HubError } from "./errors.ts";
import { ggufModels } from "./gguf-files.ts";
import { currentCommit, filesOf, type HubFile } from "./repo-files.ts";
import { parseRepoName, type RepoName, readRepoFile, writeRepoFile, writeRepoName } from "./repo-name.ts";
import type { HubClient } from "./request.ts";
import { indexedFiles, optionalFiles, requiredFiles, weightFiles } from "./required-files.ts";
import { type HubOptions, hubRules, hubSettings, hubToken, type PullEvent } from "./settings.ts";

export interface PullOptions extends HubOptions {
  /** Every file of the repo, not only those that a model needs (default false). */
  readonly all?: boolean | undefined;
  /** Looks for a newer commit on the hub although the cache has one (default false). */
  readonly update?: boolean | undefined;
  /** Aborts the download; what has arrived is kept, and the next call resumes there. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: PullEvent) => void) | undefined;
  /** Milliseconds before the second of five attempts; each further pause is twice as long (default 1000). */
  readonly retryDelay?: number | undefined;
}

const pullRules: OptionRules<PullOptions> = {
  ...hubRules,
  all: option.flag,
  update: option.flag,
  signal: option.signal,
  onEvent: option.callback,
  retryDelay: option.size,
};

/** A repo in the cache. */
export interface PulledRepo {
  /** To hand to `Owl.load`: the model's directory, or its GGUF file. */
  readonly directory: string;
  readonly commit: string;
  /** Bytes that came over the network. */
  readonly fetchedBytes: number;
}

/**
 * Fetches a model from the Hugging Face hub into the hub's own cache, where its other programs find it too: weights
 * (in the first format of `weightFormats` that the repo has), settings and tokenizer; or a GGUF file, the one that is
 * named or the only one of a repo without other weights. A repo that was fetched so needs no network; of one that another program
 * fetched the hub is asked once what else belongs to its model. An interrupted download is resumed; a file without the checksum that the hub names is not kept.
 *
 * @param name `org/name`, `org/name@revision` with a branch, a tag or a commit, or `org/name/FILE.gguf`
 * @throws HubError (ChecksumError) or FileError naming what is wrong and the next step; the signal's reason
 */
export async function pull(name: string, options: PullOptions = {}): Promise<PulledRepo> {
  checkOptions("pull", options, pullRules);
  const { all = false, update = false, signal, onEvent = () => undefined, retryDelay = 1000 } = options;
  const of = typeof name === "string" ? readRepoFile(name) : undefined;
  const repo = of?.name ?? parseRepoName(name);
  const hub = hubSettings(options);
  const cached = all || update ? undefined : await cachedCommit(hub.cache, repo, of?.file);
  if (
    cached !== undefined &&
    (hub.offline || of !== undefined || (await isKnownWhole(hub.cache, repo, cached)))
  )
    return { ...cached, fetchedBytes: 0 };
  if (hub.offline) throw offline(name, all || update);
  const token = await hubToken(options);
  const client = { name: repo, hub, token, signal, onEvent, retryDelay };
  if (cached === undefined) return fetchRepo(client, { all, file: of?.file });
  return completed(client, cached);
}

/** A model in the cache with what else the hub says that it has; as it is, where the hub says nothing and it can be used so. */
async function completed(client: HubClient, cached: CachedCommit): Promise<PulledRepo> {
  const { name, hub } = client;
  const asked = isGgufFile(cached.directory) ? name : sameCommit(name, cached);
  let isAnswered = false;
  try {
    return await fetchRepo({ ...client, name: asked }, { all: false, file: undefined }, () => {
      isAnswered = true;
    });
  } catch (error) {
    if (!(error instanceof HubError || error instanceof FileError) || error instanceof ChecksumError)
      throw error;
    if (!isAnswered && (await canStandAlone(hub.cache, name, cached))) return { ...cached, fetchedBytes: 0 };
    throw new HubError(
      `${error.message}; what of ${writeRepoName(name)} is in the cache is taken as it is with --offline (in a program: offline: true)`,
      { cause: error },
    );
  }
}

/** What is missing of a model in the cache is fetched of the same commit: `update` alone moves a branch. */
const sameCommit = ({ repo }: RepoName, { commit }: CachedCommit): RepoName => ({ repo, revision: commit });

function offline(name: string, asksMore: boolean): HubError {
  const must = asksMore ? "must ask the hub for what is new or all" : "must be in the hub's cache";
  return new HubError(
    `${name}: ${must}, got the wish to stay offline; pull again without --offline and HF_HUB_OFFLINE`,
  );
}

/** What of a repo is wanted: all of it, or a GGUF file; neither: what its model needs. */
interface Wanted {
  readonly all: boolean;
  readonly file: string | undefined;
}

async function fetchRepo(
  client: HubClient,
  { all, file: named }: Wanted,
  onAnswer: () => void = () => undefined,
): Promise<PulledRepo> {
  const { name, hub, signal, onEvent } = client;
  const folder = new RepoFolder(hub.cache, name.repo);
  const commit = await currentCommit(client);
  let fetchedBytes = 0;
  let onBytes = (bytes: number): void => {
    fetchedBytes += bytes;
  };
  const fetchFile = (file: HubFile): Promise<void> =>
    download({ client, folder, commit, file, onBytes: (bytes) => onBytes(bytes) });

  const listed = await filesOf(client, commit);
  onAnswer();
  const fetching = { client, folder, commit, fetchFile };
  const files = all ? listed : await (named ? chosenGguf(client, listed, named) : choose(fetching, listed));
  const totalBytes = sumOf(files.map(({ size }) => size));
  const present = await Promise.all(files.map((file) => presentBytes(folder, commit, file)));
  let bytes = sumOf(present);
  await requireSpace(hub.cache, totalBytes - bytes);
  onEvent({ kind: "start", commit, files: files.length, totalBytes, bytes });
  for (const [i, file] of files.entries()) {
    const end = bytes - present[i] + file.size;
    onBytes = (more) => {
      fetchedBytes += Math.max(more, 0);
      bytes += more;
      onEvent({ kind: "progress", file: file.path, bytes, totalBytes });
    };
    await fetchFile(file);
    // Another process may have fetched it.
    bytes = end;
  }
  if (named === undefined) await folder.setAbsent(commit, absentFrom(listed), signal);
  // Last, so that a branch never leads to a commit that is not whole.
  await folder.setCommit(name.revision, commit, signal);
  const whole = await cachedCommit(hub.cache, { ...name, revision: commit }, named);
  return { directory: whole?.directory ?? folder.snapshot(commit), commit, fetchedBytes };
}

/** The files that a model may have and a repo has not. */
function absentFrom(listed: readonly HubFile[]): string[] {
  const names = new Set(listed.map(({ path }) => path));
  return [...optionalFiles, ...weightFiles].filter((name) => !names.has(name));
}

/** All files of the model in a GGUF file. */
function chosenGguf({ name }: HubClient, listed: readonly HubFile[], file: string): HubFile[] {
  const found = ggufParts(file).map((part) => listed.find(({ path }) => path === part));
  const whole = found.filter((part) => part !== undefined);
  if (whole.length === found.length) return whole;
  const models = ggufModels(listed.map(({ path }) => path));
  const got = models.length === 0 ? "no GGUF file" : models.join(", ");
  throw new HubError(`${writeRepoName(name)}: must hold ${ggufParts(file).join(", ")}, got ${got}`);
}

/** The one GGUF model of a repo that has no other weights. */
function onlyGguf(client: HubClient, listed: readonly HubFile[]): HubFile[] {
  const [only, ...others] = ggufModels(listed.map(({ path }) => path));
  if (only === undefined) throw noWeights(client, listed);
  if (others.length === 0) return chosenGguf(client, listed, only);
  const example = writeRepoFile({ name: client.name, file: only });
  throw new HubError(
    `${writeRepoName(client.name)}: must be told which GGUF file is meant, got ${[only, ...others].join(", ")}; name one, such as ${example}`,
  );
}

/** What fetching files of a commit needs. */
interface Fetching {
  readonly client: HubClient;
  readonly folder: RepoFolder;
  readonly commit: string;
  readonly fetchFile: (file: HubFile) => Promise<void>;
}

/** The files that a model needs, small ones first; an index is fetched here, since it names the weights. */
async function choose(
  { client, folder, commit, fetchFile }: Fetching,
  listed: readonly HubFile[],
): Promise<HubFile[]> {
  const byPath = new Map(listed.map((file) => [file.path, file]));
  const { settings, weights } = requiredFiles(new Set(byPath.keys()));
  if (weights.length === 0) return onlyGguf(client, listed);
  const chosen = [...settings];
  const missing: string[] = [];
  for (const { path, isIndex } of weights) {
    chosen.push(path);
    const index = byPath.get(path);
    if (!isIndex || index === undefined) continue;
    await fetchFile(index);
    const shards = await indexedFiles(folder.file(commit, path));
    chosen.push(...shards.toSorted());
    missing.push(
      ...shards.filter((shard) => !byPath.has(shard)).map((shard) => `${shard}, named by ${path}`),
    );
  }
  if (missing.length > 0) {
    const list = missing.map((file) => `  ${file}`).join("\n");
    throw new HubError(
      `${writeRepoName(client.name)}: must hold the files of its weights, got ${missing.length} missing; tell its owner:\n${list}`,
    );
  }
  return chosen.flatMap((path) => byPath.get(path) ?? []);
}

function noWeights({ name }: HubClient, listed: readonly HubFile[]): HubError {
  const paths = listed.map(({ path }) => path);
  const shown = paths.slice(0, 8).join(", ") || "no file";
  const rest = paths.length > 8 ? ` and ${paths.length - 8} more` : "";
  return new HubError(
    `${writeRepoName(name)}: must hold config.json with ${weightFormats.map(wholeFile).join(" or ")} (or their index), an adapter, or a GGUF file, got ${shown}${rest}; --all fetches every file`,
  );
}

async function requireSpace(cache: string, needed: number): Promise<void> {
  const free = await freeBytes(cache);
  if (needed <= free) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new HubError(
    `${cache}: must have ${gigabytes(needed)} free, got ${gigabytes(free)}; make room, or choose another disk by HF_HUB_CACHE`,
  );
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
