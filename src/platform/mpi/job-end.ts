import { writeSync } from "node:fs";

/** Writes a line to standard error at once, for a process that is about to end. */
export function lastWords(line: string): void {
  writeSync(2, `${line}\n`);
}

/** Calls a function when this process ends of itself, with its exit code. */
export function onProcessEnd(callback: (code: number) => void): void {
  process.on("exit", callback);
}
