import { constants } from "node:os";

// SIGUSR2 is what mpirun passes on to its processes; SIGTERM makes it end them within a second.
const signals: readonly NodeJS.Signals[] =
  process.platform === "win32" ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGUSR2"];

/** What an interruption calls. */
export interface InterruptHandlers {
  /** Once, at the first signal. */
  readonly onInterrupt?: () => void;
  /** At every further one; by default the process ends at once. */
  readonly onSecond?: (name: NodeJS.Signals) => void;
}

/**
 * Runs work that Ctrl-C (or SIGTERM, or SIGUSR2) aborts; a second one ends the process at once.
 *
 * @param work gets the signal to watch
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  {
    onInterrupt = () => undefined,
    onSecond = (name) => process.exit(128 + constants.signals[name]),
  }: InterruptHandlers = {},
): Promise<T> {
  const stop = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) onSecond(name);
    else {
      stop.abort();
      onInterrupt();
    }
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}
