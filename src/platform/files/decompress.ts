import * as zlib from "node:zlib";

/** Ways to compress that {@link decompress} knows; Zstandard only where Node brings it (22.15 and later). */
export type Compression = "gzip" | "brotli" | "zstd";

/** Bytes as they were before they were compressed; undefined where this Node does not know how. */
export function decompress(bytes: Uint8Array, compression: Compression): Uint8Array | undefined {
  if (compression === "gzip") return zlib.gunzipSync(bytes);
  if (compression === "brotli") return zlib.brotliDecompressSync(bytes);
  const { zstdDecompressSync: unpack } = zlib as {
    readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
  };
  return unpack?.(bytes);
}
