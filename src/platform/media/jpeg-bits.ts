/** No code of a Huffman table begins with these bits. */
export const NO_SYMBOL = -1;

/**
 * A Huffman table, looked up by the next bits: how many the code has together with those that its symbol's lower half
 * says follow, times 256, and the symbol; 0 where no code fits.
 */
export interface HuffmanTable {
  /** By ten bits, for the codes that are that short: nearly all that come, in little memory. */
  readonly short: Uint16Array;
  /** By sixteen. */
  readonly long: Uint16Array;
}

const SHORT = 10;

/** The table of a DHT segment: how many codes there are of each length from 1 to 16, and their symbols in order. */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable | undefined {
  const long = new Uint16Array(2 ** 16);
  const short = new Uint16Array(2 ** SHORT);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    const width = 2 ** (16 - length);
    for (let i = 0; i < counts[length - 1]; i++) {
      if ((code + 1) * width > long.length) return undefined;
      const symbol = symbols[next++];
      const entry = (length + (symbol & 15)) * 256 + symbol;
      if (length <= SHORT) {
        short.fill(entry, code * 2 ** (SHORT - length), (code + 1) * 2 ** (SHORT - length));
      }
      long.fill(entry, code * width, ++code * width);
    }
    code *= 2;
  }
  return { short, long };
}

/** Reads the bits of one run of entropy-coded data: up to the next marker, zeros behind its end. */
export class EntropyBits {
  /** Where the next byte is read. */
  #at: number;
  #word = 0;
  #count = 0;
  /** Zeros that stand for bits behind the end. */
  #padding = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /** Whether more was read than there is. */
  get isOverrun(): boolean {
    return this.#padding > this.#count;
  }

  /** The next symbol of a table, past the bits too that its lower half says follow; or {@link NO_SYMBOL}. */
  symbol({ short, long }: HuffmanTable): number {
    if (this.#count < 16) this.#fill();
    let entry = short[(this.#word >>> (this.#count - SHORT)) & (2 ** SHORT - 1)];
    if (entry === 0) entry = long[(this.#word >>> (this.#count - 16)) & 0xffff];
    if (entry === 0) return NO_SYMBOL;
    this.#count -= entry >>> 8;
    if (this.#count < 0) this.#fill();
    return entry & 0xff;
  }

  /** Reads the codes of coefficients 1 to 63 of a block; false where they cannot be. */
  coefficients({ short, long }: HuffmanTable): boolean {
    let word = this.#word;
    let count = this.#count;
    let k = 1;
    while (k < 64) {
      if (count < 16) {
        this.#count = count;
        this.#fill();
        word = this.#word;
        count = this.#count;
      }
      let entry = short[(word >>> (count - SHORT)) & (2 ** SHORT - 1)];
      if (entry === 0) entry = long[(word >>> (count - 16)) & 0xffff];
      if (entry === 0) return false;
      count -= entry >>> 8;
      if ((entry & 15) === 0 && (entry & 0xff) !== 0xf0) break;
      k += ((entry >>> 4) & 15) + 1;
    }
    this.#count = count;
    if (count < 0) this.#fill();
    return k <= 64;
  }

  /** The next bits, at most sixteen, as a number. */
  take(bits: number): number {
    if (this.#count < bits) this.#fill();
    this.#count -= bits;
    return (this.#word >>> this.#count) & ((1 << bits) - 1);
  }

  /** Whether no bits are left but those that fill the last byte, all of them 1. */
  get isAtEnd(): boolean {
    const rest = this.#count - this.#padding;
    return rest >= 0 && rest < 8 && this.#isMarker() && this.isFilled;
  }

  /** Whether what is left of the byte under way are ones, as encoders fill it. */
  get isFilled(): boolean {
    const real = Math.max(0, this.#count - this.#padding);
    const rest = real % 8;
    return ((this.#word >>> (this.#count - rest)) & ((1 << rest) - 1)) === (1 << rest) - 1;
  }

  /** Where the first byte stands of which nothing was read. */
  get position(): number {
    let unread = Math.max(0, this.#count - this.#padding) >>> 3;
    let at = this.#at;
    for (; unread > 0; unread--) at -= this.#bytes[at - 1] === 0 && this.#bytes[at - 2] === 0xff ? 2 : 1;
    return at;
  }

  #isMarker(): boolean {
    return (
      this.#at >= this.#bytes.length || (this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] !== 0)
    );
  }

  #fill(): void {
    const bytes = this.#bytes;
    while (this.#count < 16) {
      const at = this.#at;
      let byte = bytes[at];
      const next = bytes[at + 1];
      if (byte < 0xff && next < 0xff) {
        this.#word = (this.#word << 16) | (byte << 8) | next;
        this.#count += 16;
        this.#at += 2;
        continue;
      }
      if (at >= bytes.length || (byte === 0xff && next !== 0)) {
        byte = 0;
        this.#padding += 8;
      } else this.#at += byte === 0xff ? 2 : 1;
      this.#word = (this.#word << 8) | byte;
      this.#count += 8;
    }
  }
}
