import { execFileSync } from "node:child_process";

/** No measurement takes as long; a peer whose threads wait for each other on a busy machine may. */
const timeout = 30 * 60_000;

/** The last line that a program prints, read as JSON; what it says on standard error is shown. */
export function lastLine<T>(command: string, words: readonly string[]): T {
  const stdio = ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"];
  const output = execFileSync(command, words, { encoding: "utf8", stdio, timeout });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

/** The same of a program of this folder: a process of its own, whose memory can be measured. */
export function ownLine<T>(program: string, words: readonly string[]): T {
  return lastLine(process.execPath, ["--import", "tsx", program, ...words]);
}
