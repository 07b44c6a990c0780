import { existsSync, readFileSync } from "node:fs";

/** What Node's heap, its threads and the libraries of any command reserve at least; Node alone takes 0.7 GiB. */
const leastBytes = 2 * 2 ** 30;
const limitsFile = "/proc/self/limits";

/**
 * Ends the process in words where `ulimit -v` leaves less than any command needs. V8 and libraries abort without a word when they
 * get none, so this comes before they are loaded, and loads nothing of the package itself.
 */
export function requireAddressSpace(): void {
  if (!existsSync(limitsFile)) return;
  const bytes = Number(
    /^Max address space +(\d+) /m.exec(readFileSync(limitsFile, "utf8"))?.[1] ?? Number.NaN,
  );
  if (!(bytes < leastBytes)) return;
  const [least, got] = [leastBytes, bytes].map((of) => Math.floor(of / 2 ** 20).toLocaleString("en"));
  process.stderr.write(
    `owl: address space: must be at least ${least} MiB, most of it reserved and never used, got ${got} MiB (ulimit -v); raise it (ulimit -v unlimited), and limit memory itself by a control group where that is meant\n`,
  );
  process.exit(1);
}
