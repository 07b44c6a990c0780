import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";

function succeeds(command: string, ...words: string[]): boolean {
  try {
    execFileSync(command, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A file system of a few kibibytes. */
export interface SmallDisk {
  /** Gives it 20 MB. */
  readonly enlarge: () => void;
  readonly makeReadOnly: () => void;
  readonly unmount: () => void;
}

/** Mounts a small disk at a directory that it makes; undefined where this user may not mount. */
export function mountSmallDisk(directory: string, kibibytes: number): SmallDisk | undefined {
  mkdirSync(directory);
  const mount = (...options: string[]): boolean => succeeds("mount", ...options, directory);
  if (!mount("-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs")) {
    console.warn(
      "no small disk can be mounted here (it needs root); a limit on the size of files stands for it",
    );
    return undefined;
  }
  return {
    enlarge: () => void mount("-o", "remount,size=20m"),
    makeReadOnly: () => void mount("-o", "remount,ro"),
    unmount: () => void succeeds("umount", directory),
  };
}

/** Limits the files that this process may write to so many bytes; the function that is returned lifts the limit. */
export function limitFileSize(bytes: number): () => void {
  const set = (limit: string): void =>
    void execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${limit}:`]);
  set(String(bytes));
  return () => set("unlimited");
}

/**
 * Takes a directory's permission to write, also from root, whom its mode does not bind; the function that is returned gives it
 * back.
 */
export function makeUnwritable(directory: string): () => void {
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o555);
    return () => chmodSync(directory, 0o755);
  }
  if (succeeds("chattr", "+i", directory)) return () => void succeeds("chattr", "-i", directory);
  if (!succeeds("mount", "--bind", directory, directory)) {
    throw new Error(
      "root must be allowed to make a directory unwritable, by chattr or by mount; or test as another user",
    );
  }
  execFileSync("mount", ["-o", "remount,bind,ro", directory]);
  return () => void execFileSync("umount", [directory]);
}
