import { fileKind } from "../files/file-kind.ts";
import { wholeJpeg } from "./jpeg.ts";
import { endedPng } from "./png.ts";

/**
 * A picture file as every decoder reads it alike: with the end mark that it lacks, if that is all it lacks.
 *
 * @throws JpegScanError for a JPEG file whose data are cut or damaged, which decoders show as far as they can
 */
export function wholeImage(bytes: Uint8Array): Uint8Array {
  const kind = fileKind(bytes)?.name;
  if (kind === "JPEG") return wholeJpeg(bytes);
  return kind === "PNG" ? endedPng(bytes) : bytes;
}
