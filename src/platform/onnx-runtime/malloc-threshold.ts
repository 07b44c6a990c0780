import type { Koffi } from "../koffi.ts";

/** glibc's `M_MMAP_THRESHOLD`. */
const mappedFrom = -3;
const bytes = 2 ** 20;

/**
 * Lowers glibc's mmap threshold to 1 MiB: every larger block is mapped by itself, so it goes back to the system when it is
 * freed, and pages that nothing was written to take no memory. By default glibc raises the threshold up to 32 MiB as blocks
 * are freed, and keeps those below it: after a 7 B's vision encoder had come and gone, 0.4 GB. Does nothing where
 * the C library is another.
 */
export function lowerMallocThreshold(koffi: Koffi): void {
  if (process.platform !== "linux") return;
  let mallopt: (parameter: number, value: number) => number;
  try {
    mallopt = koffi.load(null).func("int mallopt(int, int)");
  } catch {
    // musl has no such function, and no such bound.
    return;
  }
  mallopt(mappedFrom, bytes);
}
