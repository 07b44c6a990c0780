import type { OpenFile } from "../../platform/index.ts";

/** Bytes as a file. */
export function memoryFile(bytes: Uint8Array, path = "model.gguf"): OpenFile {
  return {
    path,
    size: bytes.length,
    read: async (into, position) => {
      if (position + into.length > bytes.length) throw new Error(`${path}: ends earlier`);
      into.set(bytes.subarray(position, position + into.length));
    },
    close: async () => {},
  };
}
