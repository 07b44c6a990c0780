import {
  makeDirectory,
  openAppendOnlyFile,
  parentDirectory,
  pathKind,
  readBytes,
} from "../platform/index.ts";
import type { TrainingEvent } from "./events.ts";

/** A log of a run. */
export interface RunLog {
  /**
   * Appends an event, or nothing where the log has no place for its kind. Where the disk is full, no part of it is written.
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
 * Opens a log, a JSON object a line, to append to. A last line without a line feed was cut off when the process or the machine stopped: it is
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
