import { joinPath } from "../platform/index.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import { openEventFile } from "./tensorboard/event-file.ts";

/** The logs of a run in its directory: `log.jsonl`, and event files for TensorBoard. */
export async function openLogs(directory: string): Promise<RunLog> {
  const logs = [await openRunLog(joinPath(directory, "log.jsonl")), openEventFile(directory)];
  const inTurn = async (use: (log: RunLog) => Promise<void>): Promise<void> => {
    for (const log of logs) await use(log);
  };
  return {
    write: (event) => inTurn((log) => log.write(event)),
    flush: () => inTurn((log) => log.flush()),
    close: () => inTurn((log) => log.close()),
  };
}
