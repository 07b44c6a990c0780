// In a browser a model's files come over the network and are kept. In Node they lie on disks; nothing of this happens.

/** What of a file has come over the network, or that it was kept from before. */
export interface Transfer {
  readonly url: string;
  readonly bytes: number;
  /** Undefined where the server did not say. */
  readonly totalBytes: number | undefined;
  readonly from: "network" | "cache";
}

/** Tells of files that come over the network or were kept, until the function that it gives is called. */
export function watchTransfers(_listener: (transfer: Transfer) => void): () => void {
  return () => {};
}

/** URLs of kept files under a directory that its server now has otherwise. */
export async function changedFiles(_directory: string): Promise<string[]> {
  return [];
}

/** Gives up what is kept of a directory's files. */
export async function forgetFiles(_directory: string): Promise<void> {}
