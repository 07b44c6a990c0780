// The browser fetches a model's files over the network and caches them. In Node they lie on disks: these do nothing.

/** The progress of fetching a file, or that it came from the cache. */
export interface Transfer {
  readonly url: string;
  readonly bytes: number;
  /** Undefined where the server did not say. */
  readonly totalBytes: number | undefined;
  readonly from: "network" | "cache";
}

/** Calls a listener with the progress of every file until the function that is returned is called. */
export function watchTransfers(_listener: (transfer: Transfer) => void): () => void {
  return () => {};
}

/** URLs of cached files of a directory that have changed on its server since. */
export async function changedFiles(_directory: string): Promise<string[]> {
  return [];
}

/** Removes the files of a directory from the cache. */
export async function forgetFiles(_directory: string): Promise<void> {}
