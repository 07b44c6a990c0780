import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs work that Ctrl-C (or SIGTERM) aborts; a second one ends the process at once.
 *
 * @param work gets the signal to watch
 * @param onInterrupt called once, at the first signal
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  onInterrupt: () => void = () => undefined,
): Promise<T> {
  const stop = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[name]);
    stop.abort();
    onInterrupt();
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}
