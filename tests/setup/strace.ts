import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";

const instruction =
  "Tests of what a program writes and asks for need Linux and strace: apt-get install -y --no-install-recommends strace";

function works(): boolean {
  try {
    // Some sandboxes have strace but forbid ptrace.
    execFileSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const available = works();

/** Whether to leave out tests that watch a program: on a person's machine without strace. In CI they fail instead. */
export const skipStrace = !available && process.env.CI === undefined;

if (skipStrace) console.warn(`${instruction}; without it these tests are skipped`);

/** System calls that create a file, a folder or a link, and those that contact another machine or a name service. */
const watchedCalls = [
  ..."open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat".split(","),
  ..."symlink,symlinkat,connect,sendto,sendmsg,sendmmsg".split(","),
];

/** A traced program in an environment of its own: empty folders and none of a CI's variables. */
export interface WatchedProgram {
  /** Waits until its output matches. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Waits until it has contacted another machine. */
  readonly reachesOut: () => Promise<void>;
  /** Closes its standard input and waits for its exit; throws if it failed. */
  readonly end: (signal?: NodeJS.Signals) => Promise<void>;
  /** Every path that it tried to create, whether or not that succeeded. */
  readonly made: () => string[];
  /** Every foreign address that it contacted, and every name that it looked up. */
  readonly reached: () => string[];
  /** The files and folders left in its home, XDG folders and temporary folder, relative to `folder`. */
  readonly left: () => string[];
  readonly folder: string;
  readonly remove: () => void;
}

/** Starts a program under strace. Its home, its XDG folders and its temporary folder are new and empty. */
export function watchProgram(
  command: string,
  words: readonly string[],
  { cwd = process.cwd(), env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): WatchedProgram {
  if (!available) throw new Error(instruction);
  const folder = mkdtempSync(join(tmpdir(), "owl-watched-"));
  const log = join(folder, "calls");
  const places = { HOME: "home", TMPDIR: "tmp", XDG_CACHE_HOME: "cache", XDG_CONFIG_HOME: "config" };
  const homes = Object.entries(places).map(([name, place]) => [name, join(folder, place)]);
  for (const [, path] of homes) mkdirSync(path, { recursive: true });
  // With -D the child process is the program itself and strace its grandchild, so signals and exit status are the program's.
  const options = ["-D", "-f", "--seccomp-bpf", "-y", "-s", "4096", "-o", log, "-e", `trace=${watchedCalls}`];
  // Without a CI's variables: ONNX Runtime sends no reports where it sees them.
  const environment = {
    PATH: process.env.PATH,
    ...Object.fromEntries(homes),
    ...env,
  };
  const child = spawn("strace", [...options, command, ...words], { cwd, env: environment });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const exit = once(child, "close");
  const lines = (): string[] => readFileSync(log, "utf8").split("\n");
  const until = async <T>(look: () => T | false | null): Promise<T> => {
    for (;;) {
      const seen = look();
      if (seen !== null && seen !== false) return seen;
      if (child.exitCode !== null) throw new Error(`${command} ${words.join(" ")}: ended, saying ${errors}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const reached = (): string[] => lines().flatMap(reachedPlace);
  return {
    says: (pattern) => until(() => pattern.exec(output)),
    reachesOut: async () => void (await until(() => reached().length > 0)),
    end: async (signal) => {
      child.stdin.end();
      if (signal !== undefined) child.kill(signal);
      const [code] = await exit;
      if (code !== 0) throw new Error(`${command} ${words.join(" ")}: must end well, got ${code}: ${errors}`);
    },
    made: () => lines().flatMap(madePath),
    reached,
    left: () => homes.flatMap(([, home]) => filesBelow(home)).map((path) => relative(folder, path)),
    folder,
    remove: () => {
      if (child.exitCode === null) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
}

/** The path that a line of strace's output creates: the last one in it, which of a rename or link is the new name. */
function madePath(line: string): string[] {
  const [, name, rest] = /^\d+ +(\w+)\((.*)$/.exec(line) ?? [];
  if (name === undefined || /^(?:connect|send)/.test(name)) return [];
  if (/^open/.test(name) && !rest.includes("O_CREAT")) return [];
  const paths = [...rest.matchAll(/(?:<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)];
  const [, folder = "", path] = paths.at(-1) ?? [];
  return path === undefined ? [] : [isAbsolute(path) ? path : join(folder, path)];
}

/** The address that a line of strace's output contacts, unless it is this machine's; a name service always counts. */
function reachedPlace(line: string): string[] {
  if (/sun_path="[^"]*(?:nscd|resolve)/.test(line)) return [line];
  const port = /port=htons\((\d+)\)/.exec(line)?.[1];
  const address = /inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
  if (port === undefined || address === null) return [];
  const isHere = /^127\.|^::1$|^::ffff:127\./.test(address[1] ?? address[2]);
  return isHere && port !== "53" ? [] : [line];
}
