import type { OpenFile } from "../platform/index.ts";

/** A file that ends before what it begins with says. */
export class CutError extends Error {
  override name = "CutError";
}

/** Bytes that are fetched at once, at least. */
const atOnce = 2 ** 20;

/**
 * Reads numbers and texts from the beginning of a file on, little-endian. {@link need} fetches, all others take what was
 * fetched: so most of them need not wait.
 */
export class ByteReader {
  readonly #file: OpenFile;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** The next byte, in what was fetched. */
  #at = 0;
  /** Where what was fetched begins in the file. */
  #start = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** The next byte's place in the file. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes that the file still has. */
  get left(): number {
    return this.#file.size - this.position;
  }

  /** Whether so many bytes were fetched. */
  has(count: number): boolean {
    return this.#bytes.length - this.#at >= count;
  }

  /**
   * Fetches at least so many bytes.
   *
   * @throws CutError where the file has fewer
   */
  async need(count: number): Promise<void> {
    if (this.has(count)) return;
    if (count > this.left) {
      throw new CutError(
        `${count} bytes from byte ${this.position} on in a file of ${this.#file.size} (was it cut short?)`,
      );
    }
    const bytes = new Uint8Array(Math.min(this.left, Math.max(count, atOnce)));
    const position = this.position;
    await this.#file.read(bytes, position);
    [this.#bytes, this.#view] = [bytes, new DataView(bytes.buffer)];
    [this.#start, this.#at] = [position, 0];
  }

  uint8 = (): number => this.#view.getUint8(this.#next(1));
  int8 = (): number => this.#view.getInt8(this.#next(1));
  uint16 = (): number => this.#view.getUint16(this.#next(2), true);
  int16 = (): number => this.#view.getInt16(this.#next(2), true);
  uint32 = (): number => this.#view.getUint32(this.#next(4), true);
  int32 = (): number => this.#view.getInt32(this.#next(4), true);
  float32 = (): number => this.#view.getFloat32(this.#next(4), true);
  float64 = (): number => this.#view.getFloat64(this.#next(8), true);
  /** Beyond 2⁵³ the nearest number there is. */
  uint64 = (): number => Number(this.#view.getBigUint64(this.#next(8), true));
  int64 = (): number => Number(this.#view.getBigInt64(this.#next(8), true));

  text(length: number): string {
    const at = this.#next(length);
    return this.#decoder.decode(this.#bytes.subarray(at, at + length));
  }

  #next(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
