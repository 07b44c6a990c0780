import * as fs from "node:fs/promises";

/** What systems say whose file systems cannot be asked for this, or need not be. */
const unsupported = new Set(["EINVAL", "ENOTSUP", "EBADF", "EISDIR", "EPERM", "EACCES"]);

/**
 * Returns when the names in a directory have reached the disk: files that were created, renamed or removed in it. Renaming alone
 * orders nothing across a power cut. Where the system does not flush directories (Windows, some network file systems) it does
 * nothing.
 */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    const handle = await fs.open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && unsupported.has(String(error.code)))) throw error;
  }
}
