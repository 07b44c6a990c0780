/** How V8 tells that WebAssembly's memory found no address space. */
const noAddressSpace = /Cannot allocate Wasm memory|WebAssembly\.Memory\(\): could not allocate memory/;

/**
 * Ends the process with what nobody caught. Node and libraries load WebAssembly on their own, which fails under `ulimit -v`; that is told
 * in words, anything else as Node would.
 */
export function endWith(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    noAddressSpace.test(text)
      ? "owl: address space: must have room for WebAssembly, which reserves 10 GiB for every memory, got less (ulimit -v); raise it, or set NODE_OPTIONS=--disable-wasm-trap-handler\n"
      : `${text}\n`,
  );
  process.exit(1);
}
