import { appendFileSync } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join, relative, resolve } from "node:path";

/** What is done to the files below a directory, and where in it the process shall end. */
export interface KillMoments {
  readonly directory: string;
  /**
   * The process kills itself by SIGKILL before it does this for the so many-th time, or when it has done half of it: an
   * operation and a path in the directory, such as `rename state.next` or `half of write log.jsonl`.
   */
  readonly killAt?: { readonly moment: string; readonly occurrence: number } | undefined;
  /** A file to which every moment is written, a line each. */
  readonly journal?: string | undefined;
}

/** Operations of `node:fs/promises` that change files or make changes last, by the argument that names what changes. */
const operations = ["mkdir", "rename", "rm"] as const;
const handleOperations = ["write", "sync", "datasync", "truncate"] as const;

/** Watches this process's changes to the files of a directory, all of which it really makes until it is killed. */
export function watchMoments({ directory, killAt, journal }: KillMoments): void {
  const root = resolve(directory);
  let occurrences = 0;
  const pass = (moment: string): boolean => {
    if (journal !== undefined) appendFileSync(journal, `${moment}\n`);
    return moment === killAt?.moment && ++occurrences === killAt.occurrence;
  };
  const nameOf = (path: unknown): string | undefined => {
    // Every process that trains has an event file of its own, and every kept checkpoint a directory.
    const name = relative(root, resolve(String(path)))
      .replace(/^events\..*/, "events")
      .replace(/^checkpoints\/step-\d+/, "checkpoints/step-N");
    return name.startsWith("..") ? undefined : name;
  };
  const watch = (
    operation: string,
    path: unknown,
    half?: () => Promise<unknown>,
  ): Promise<void> | undefined => {
    const name = nameOf(path);
    if (name === undefined) return;
    if (pass(`${operation} ${name}`)) process.kill(process.pid, "SIGKILL");
    if (half === undefined || !pass(`half of ${operation} ${name}`)) return;
    return half().then(() => void process.kill(process.pid, "SIGKILL"));
  };
  watchPaths(watch);
  watchHandles(watch);
  syncBuiltinESMExports();
}

type Watch = (operation: string, path: unknown, half?: () => Promise<unknown>) => Promise<void> | undefined;
type AnyFunction = (...given: unknown[]) => Promise<unknown>;

function watchPaths(watch: Watch): void {
  const functions = fs as unknown as Record<string, AnyFunction>;
  for (const operation of operations) {
    const original = functions[operation];
    functions[operation] = async (path, ...rest) => {
      const half = async (): Promise<void> => {
        const [first] = await fs.readdir(String(path)).catch(() => []);
        if (first !== undefined) await original(join(String(path), first), { recursive: true });
      };
      await watch(operation, path, operation === "rm" ? half : undefined);
      return original(path, ...rest);
    };
  }
}

/** Opened files do not tell their paths: these are noted when they are opened. */
function watchHandles(watch: Watch): void {
  const paths = new WeakMap<FileHandle, string>();
  const { open } = fs;
  let isWatched = false;
  fs.open = async (path, flags, mode) => {
    const isWritten = flags !== undefined && flags !== "r";
    if (isWritten) await watch("open", path);
    const handle = await open(path, flags, mode);
    paths.set(handle, String(path));
    if (!isWatched) watchPrototype(Object.getPrototypeOf(handle), paths, watch);
    isWatched = true;
    return handle;
  };
}

function watchPrototype(
  prototype: Record<string, AnyFunction>,
  paths: WeakMap<FileHandle, string>,
  watch: Watch,
): void {
  for (const operation of handleOperations) {
    const original = prototype[operation];
    prototype[operation] = async function (this: FileHandle, ...given) {
      const [bytes, offset = 0, length, position] = given as [Uint8Array, number?, number?, number?];
      const half = (): Promise<unknown> => {
        const count = length ?? bytes.byteLength - offset;
        return original.call(this, bytes, offset, Math.floor(count / 2), position ?? null);
      };
      await watch(operation, paths.get(this), operation === "write" ? half : undefined);
      return original.apply(this, given);
    };
  }
}
