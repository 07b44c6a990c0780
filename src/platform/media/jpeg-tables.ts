import { type HuffmanTable, huffmanTable } from "./jpeg-bits.ts";
import { JpegScanError } from "./jpeg-scan.ts";

/** The tables that ITU-T T.81, K.3 gives as examples, as a segment of a file has them. */
const EXAMPLES =
  "AAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYn" +
  "KCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY" +
  "2drh4uPk5ebn6Onq8fLz9PX29/j5+gEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGh" +
  "scEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqy" +
  "s7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fo=";

/**
 * The Huffman tables that a file has set so far. As decoders do, it begins with the examples of the standard, which
 * pictures from cameras' films (Motion JPEG) mean where they have none.
 */
export class HuffmanTables {
  readonly #made = new Map<number, HuffmanTable | (() => HuffmanTable)>();

  constructor() {
    this.set(Uint8Array.from(atob(EXAMPLES), (letter) => letter.charCodeAt(0)));
  }

  /** Takes the tables of a segment. */
  set(content: Uint8Array): void {
    for (let at = 0; at + 17 <= content.length; ) {
      const counts = content.subarray(at + 1, at + 17);
      const symbols = content.subarray(at + 17, at + 17 + counts.reduce((sum, count) => sum + count, 0));
      this.#made.set(content[at], () => {
        const table = huffmanTable(counts, symbols);
        if (table === undefined) throw new JpegScanError("a Huffman table that cannot be");
        return table;
      });
      at += 17 + symbols.length;
    }
  }

  /** A table by its number, plus sixteen for other coefficients than the mean. Only what is used is made. */
  get(id: number): HuffmanTable | undefined {
    const made = this.#made.get(id);
    if (typeof made !== "function") return made;
    const table = made();
    this.#made.set(id, table);
    return table;
  }
}
