/** A chunk of a PNG file, from its length to behind its checksum. */
export interface PngChunk {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The chunk that ends every PNG file. */
const lastChunk = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82);
const SIGNATURE_BYTES = 8;

/** The chunks of a PNG file that are whole, in order. */
export function* pngChunks(bytes: Uint8Array): Generator<PngChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = SIGNATURE_BYTES; start + lastChunk.length <= bytes.length; ) {
    const end = start + lastChunk.length + view.getUint32(start);
    if (end > bytes.length) return;
    yield { type: String.fromCharCode(...bytes.subarray(start + 4, start + 8)), start, end };
    start = end;
  }
}

/** A PNG file with its end, where nothing but that was missing: some decoders insist on it. */
export function endedPng(bytes: Uint8Array): Uint8Array {
  let end = 0;
  for (const chunk of pngChunks(bytes)) {
    if (chunk.type === "IEND") return bytes;
    end = chunk.end;
  }
  const rest = bytes.subarray(end);
  if (end === 0 || !rest.every((byte, i) => byte === lastChunk[i])) return bytes;
  const ended = new Uint8Array(end + lastChunk.length);
  ended.set(bytes.subarray(0, end));
  ended.set(lastChunk, end);
  return ended;
}
