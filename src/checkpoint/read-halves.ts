import { openFile } from "../platform/index.ts";
import { narrowFloats } from "./number-formats.ts";
import type { TensorEntry, TensorSource } from "./tensor-source.ts";

/** The format of numbers that {@link readHalves} keeps. */
export type HalfType = "F16" | "BF16";

/** Whether a stored tensor has numbers of two bytes. */
export function isHalf<Entry extends TensorEntry>(
  entry: Entry,
): entry is Entry & { readonly type: HalfType } {
  return entry.type === "F16" || entry.type === "BF16";
}

/** The numbers of a tensor of a source as they are stored, two bytes each. */
export async function readHalves(
  source: TensorSource,
  { name, type, place }: TensorEntry & { readonly type: HalfType },
): Promise<Uint16Array> {
  if (place === undefined) {
    const { data } = await source.read(name);
    // They were widened, so each of them fits.
    return narrowFloats(data as Float32Array, type)!;
  }
  const bytes = new Uint8Array(new ArrayBuffer(place.bytes));
  const file = await openFile(place.path);
  try {
    await file.read(bytes, place.offset);
  } finally {
    await file.close();
  }
  return new Uint16Array(bytes.buffer);
}
