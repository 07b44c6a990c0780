const pageBytes = 65_536;
/** The address space of WebAssembly has 32 bits. */
export const maxKernelBytes = 2 ** 32;

/** Zeroed memory that kernels and JavaScript share; the system commits its pages as they are written. */
export function newKernelMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil(bytes / pageBytes));
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
