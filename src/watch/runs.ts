import { directoryEntries, fileName, fileStatus, joinPath, pathKind } from "../platform/index.ts";

/** A run that is watched. */
export interface WatchedRun {
  /** Tells runs apart: the directory, as it was named. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** Its `log.jsonl`. */
  readonly log: string;
  /** When the log was written last, in milliseconds. */
  readonly modified: number;
  /** The directory that `owl train` writes to. */
  readonly directory: string;
}

/**
 * The runs at some places, each the output of `owl train` or a directory of such; in the order of the places, those of a directory by
 * name. A directory without a log holds none yet.
 */
export async function findRuns(places: readonly string[]): Promise<WatchedRun[]> {
  const found = new Map<string, WatchedRun>();
  for (const place of places) {
    const own = await runAt(place);
    const runs = own === undefined ? await runsIn(place) : [own];
    for (const run of runs) found.set(run.id, run);
  }
  return [...found.values()];
}

async function runAt(directory: string): Promise<WatchedRun | undefined> {
  const log = joinPath(directory, "log.jsonl");
  const status = (await pathKind(log)) === "file" ? await fileStatus(log) : undefined;
  return status && { id: directory, name: fileName(directory), log, modified: status.modified, directory };
}

async function runsIn(directory: string): Promise<WatchedRun[]> {
  if ((await pathKind(directory)) !== "directory") return [];
  const names = (await directoryEntries(directory)).toSorted();
  const runs = await Promise.all(names.map((name) => runAt(joinPath(directory, name))));
  return runs.filter((run) => run !== undefined);
}
