import {
  makeDirectory,
  openAppendOnlyFile,
  parentDirectory,
  pathKind,
  readBytes,
} from "../platform/index.ts";
import type { TrainingEvent } from "./events.ts";

/** The log of a run: a file with one JSON object a line. */
export interface RunLog {
  /**
   * Appends a line: all of it or, where the disk is full, nothing.
   *
   * @throws FileError where the log cannot be written, or was removed or renamed together with the run's directory
   */
  write(event: TrainingEvent): Promise<void>;
  /** Returns when what was written has reached the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const newline = 0x0a;

/**
 * Opens a log to append to. A last line without a line feed was cut off when the process or the machine stopped: it is
 * removed, or ended where it is whole JSON.
 */
export async function openRunLog(path: string): Promise<RunLog> {
  await makeDirectory(parentDirectory(path));
  const bytes = (await pathKind(path)) === "file" ? await readBytes(path) : new Uint8Array();
  const file = await openAppendOnlyFile(path);
  const whole = bytes.lastIndexOf(newline) + 1;
  if (whole < bytes.length) {
    if (isJson(bytes.subarray(whole))) await file.append(new Uint8Array([newline]));
    else await file.truncate(whole);
  }
  return {
    write: async (event) => {
      const line = `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`;
      await file.requireInPlace();
      await file.append(new TextEncoder().encode(line));
    },
    flush: () => file.flush(),
    close: () => file.close(),
  };
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}
