import { joinPath } from "../platform/index.ts";
import type { Communicator } from "./communicator.ts";
import type { TrainingEvent } from "./events.ts";
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

/** Tells events to the logs and to whoever listens. */
export interface EventTeller {
  /** Tells an event, in the first process alone. What fails there is kept for the next time that all processes agree. */
  readonly emit: (event: TrainingEvent) => Promise<void>;
  /** Throws what failed while events were told. */
  readonly requireTold: () => void;
}

/** Where events of a run go. */
interface Listeners {
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  readonly log: RunLog | undefined;
}

export function eventTeller({ rank }: Communicator, { onEvent, log }: Listeners): EventTeller {
  const failures: unknown[] = [];
  return {
    emit: async (event) => {
      if (rank !== 0) return;
      try {
        onEvent?.(event);
        await log?.write(event);
      } catch (error) {
        failures.push(error);
      }
    },
    requireTold: () => {
      if (failures.length > 0) throw failures[0];
    },
  };
}
