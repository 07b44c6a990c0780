import { appendText, makeDirectory, parentDirectory } from "../platform/index.ts";
import type { TrainingEvent } from "./events.ts";

/** A file with one JSON object a line. */
export interface RunLog {
  write(event: TrainingEvent): Promise<void>;
}

/** Opens a log for further lines; what an earlier part of the run wrote stays. */
export async function openRunLog(path: string): Promise<RunLog> {
  await makeDirectory(parentDirectory(path));
  return {
    write: (event) => appendText(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
  };
}
