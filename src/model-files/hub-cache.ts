/** The repo whose files a path in the hub's cache leads to, `org/name`; undefined for other paths and names. */
export function hubRepoOf(path: string): string | undefined {
  const [, repo] = /(?:^|[\\/])models--([^\\/]+)[\\/](?:snapshots|blobs)(?:[\\/]|$)/.exec(path) ?? [];
  return repo?.split("--").join("/");
}
