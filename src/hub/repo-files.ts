import type { ListFileEntry, listFiles } from "@huggingface/hub";
import { z } from "zod";
import { HubError } from "./errors.ts";
import { isInnerPath } from "./repo-name.ts";
import { fetchFromHub, type HubClient, networkError, withRetries } from "./request.ts";

/** A file of a commit as the hub describes it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** Of the bytes alone (large files), or as git computes it for a blob. It names the content in the cache. */
  readonly checksum: string;
  readonly algorithm: "sha256" | "git-sha1";
}

const MAX_FILES = 100_000;

const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();
const innerPath = z.string().refine(isInnerPath, "a path that stays inside the repo");
const entrySchema = z.object({
  path: innerPath,
  size,
  oid: sha1,
  lfs: z.object({ oid: sha256, size }).optional(),
});

/** What every call of the hub's library takes. */
type LibraryRequest = Pick<Parameters<typeof listFiles>[0], "hubUrl" | "fetch">;

/** Calls the hub's library with our token, errors and retries. */
function withLibrary<T>(client: HubClient, work: (request: LibraryRequest) => Promise<T>): Promise<T> {
  const request: LibraryRequest = {
    hubUrl: client.hub.endpoint,
    fetch: (input, init) => fetchFromHub(client, String(input), new Headers(init?.headers ?? {})),
  };
  return withRetries(client, () =>
    work(request).catch((error: unknown) => {
      throw networkError(client, error);
    }),
  );
}

/** The commit that a revision points at now. */
export async function currentCommit(client: HubClient): Promise<string> {
  const { repo: name, revision } = client.name;
  const { modelInfo } = await import("@huggingface/hub");
  const { sha } = await withLibrary(client, (request) =>
    modelInfo({ name, revision, additionalFields: ["sha"], ...request }),
  );
  const commit = sha1.safeParse(sha);
  if (commit.success) return commit.data;
  throw new HubError(
    `${client.hub.endpoint}: must name the commit of ${name}, got ${JSON.stringify(sha)}; check HF_ENDPOINT`,
  );
}

/**
 * All files of a commit.
 *
 * @throws HubError listing every file whose description cannot be used
 */
export async function filesOf(client: HubClient, commit: string): Promise<HubFile[]> {
  const files: HubFile[] = [];
  const problems: string[] = [];
  for (const entry of await entriesOf(client, commit)) {
    if (entry?.type === "directory") continue;
    const read = entrySchema.safeParse(entry);
    if (read.success) files.push(fileOf(read.data));
    else problems.push(`  ${JSON.stringify(entry?.path)}: ${read.error.issues.map(saidOf).join(", ")}`);
  }
  if (problems.length === 0) return files;
  throw new HubError(
    `${client.name.repo}: must list its files with usable names, sizes and checksums, got ${problems.length} that cannot be used (nothing was fetched; tell its owner):\n${problems.join("\n")}`,
  );
}

async function entriesOf(client: HubClient, commit: string): Promise<ListFileEntry[]> {
  const { listFiles } = await import("@huggingface/hub");
  const { repo } = client.name;
  return withLibrary(client, async (request) => {
    const entries: ListFileEntry[] = [];
    const repoId = { type: "model" as const, name: repo };
    for await (const entry of listFiles({ repo: repoId, revision: commit, recursive: true, ...request })) {
      entries.push(entry);
      if (entries.length > MAX_FILES)
        throw new HubError(`${repo}: must have at most ${MAX_FILES} files, got more; is it a model's repo?`);
    }
    return entries;
  });
}

const saidOf = ({ path, message }: z.core.$ZodIssue): string => `${path.join(".")} (${message})`;

function fileOf({ path, size, oid, lfs }: z.infer<typeof entrySchema>): HubFile {
  return lfs === undefined
    ? { path, size, checksum: oid, algorithm: "git-sha1" }
    : { path, size: lfs.size, checksum: lfs.oid, algorithm: "sha256" };
}
