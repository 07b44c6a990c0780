/** koffi, which calls functions of the system's libraries. */
export type Koffi = typeof import("koffi");

/** Kernels of ONNX Runtime keep scratch blocks on the stack; koffi's own for asynchronous calls would be 128 KiB. */
const stackBytes = 8 * 2 ** 20;

/**
 * Loads koffi, with stacks for whatever will be called through it: koffi lets their size be set until it has loaded its first
 * library, so everything gets koffi here. Rejects where there is no build of it for the platform.
 */
export async function loadKoffi(): Promise<Koffi> {
  const koffi = await import("koffi");
  if (hasLargeStacks(koffi)) return koffi;
  try {
    koffi.config({ ...koffi.config(), sync_stack_size: stackBytes, async_stack_size: stackBytes });
  } catch {
    // Code outside of this package has loaded a library before. Whoever needs the room asks `hasLargeStacks`.
  }
  return koffi;
}

/** Whether kernels of ONNX Runtime may be called. */
export function hasLargeStacks(koffi: Koffi): boolean {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  return sync >= stackBytes && async >= stackBytes;
}
