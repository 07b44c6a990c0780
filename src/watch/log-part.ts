import { FileError, openFile } from "../platform/index.ts";

/** Whole lines of a log that grows. */
export interface LogPart {
  /** The events of these lines, in their order. */
  readonly events: readonly unknown[];
  /** Where the next part begins, in bytes. */
  readonly next: number;
  /** Whether there is more to be read at once. */
  readonly hasMore: boolean;
  /** Whether this part begins the log, whatever was asked for: the log has become shorter, so it is another one. */
  readonly isAnew: boolean;
}

/** Bytes that are read at once, unless a line is longer. */
const partBytes = 2 ** 20;

const newline = 0x0a;

/**
 * Reads the lines of a run's log from a byte on. A last line without a line feed is still being written, or was cut off by the end of
 * the process: it is left for the next time.
 *
 * @param from 0, or `next` of the part before
 * @throws FileError where the log cannot be read, or a line of it is no JSON object
 */
export async function readLogPart(path: string, from: number, bytesAtOnce = partBytes): Promise<LogPart> {
  const file = await openFile(path);
  try {
    const isAnew = from > file.size;
    const start = isAnew ? 0 : from;
    for (let length = bytesAtOnce; ; length *= 2) {
      const bytes = new Uint8Array(Math.min(length, file.size - start));
      await file.read(bytes, start);
      const whole = bytes.lastIndexOf(newline) + 1;
      const isAll = start + bytes.length === file.size;
      if (whole === 0 && !isAll) continue;
      const next = start + whole;
      const events = eventsOf(new TextDecoder().decode(bytes.subarray(0, whole)), path, start);
      return { events, next, hasMore: !isAll, isAnew };
    }
  } finally {
    await file.close();
  }
}

function eventsOf(text: string, path: string, start: number): unknown[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const event = parsed(line);
    if (typeof event === "object" && event !== null) return event;
    throw new FileError(
      `${path}: must hold a JSON object a line, got ${JSON.stringify(line.slice(0, 60))} behind byte ${start}; it is no log of \`owl train\`, or it is damaged`,
    );
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
