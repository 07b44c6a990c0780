import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * Does work that Ctrl-C (or SIGTERM) asks to end early; asked a second time, the process ends at once.
 *
 * @param work gets the signal to watch
 * @param onInterrupt told once, when the first request comes
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
