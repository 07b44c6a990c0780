import { type Tokenizer, TokenizerError } from "../tokenizer/index.ts";

/** The tokens of a tokenizer sorted by their bytes, so that tokens with a common prefix stand together, as in a trie. */
export class TokenTable {
  /** Largest id + 1. */
  readonly size: number;
  readonly ids: Uint32Array;
  readonly bytes: readonly Uint8Array[];
  /** How many leading bytes each has in common with the one before. */
  readonly sharedPrefix: Uint16Array;
  readonly #longest: number;

  /** @throws TokenizerError where a byte that JSON may need has no token of its own */
  constructor(tokenizer: Tokenizer) {
    this.size = tokenizer.vocabularySize;
    const tokens: { id: number; bytes: Uint8Array }[] = [];
    for (let id = 0; id < this.size; id++) {
      const bytes = tokenizer.bytes(id);
      if (bytes !== undefined && bytes.length > 0) tokens.push({ id, bytes });
    }
    tokens.sort((a, b) => compared(a.bytes, b.bytes));
    this.ids = Uint32Array.from(tokens, ({ id }) => id);
    this.bytes = tokens.map(({ bytes }) => bytes);
    this.sharedPrefix = Uint16Array.from(tokens, ({ bytes }, i) =>
      i === 0 ? 0 : common(bytes, tokens[i - 1].bytes),
    );
    this.#longest = tokens.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
    this.#requireBytes();
  }

  /** For every position of a text, the fewest tokens that write the rest of it. */
  costs(text: Uint8Array): number[] {
    const costs = new Array<number>(text.length).fill(0);
    costs.push(0);
    for (let from = text.length - 1; from >= 0; from--) {
      costs[from] = 1 + costs[from + 1];
      const last = Math.min(text.length, from + this.#longest);
      for (let to = from + 2; to <= last; to++) {
        if (1 + costs[to] < costs[from] && this.#has(text.subarray(from, to))) costs[from] = 1 + costs[to];
      }
    }
    return costs;
  }

  #has(bytes: Uint8Array): boolean {
    let low = 0;
    let high = this.bytes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compared(this.bytes[middle], bytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.bytes.length && compared(this.bytes[low], bytes) === 0;
  }

  /** One token for every byte makes sure that there is always a next token. */
  #requireBytes(): void {
    const missing: number[] = [];
    for (let byte = 0x20; byte <= 0xf4; byte++) {
      const occurs = byte !== 0xc0 && byte !== 0xc1;
      if (occurs && !this.#has(Uint8Array.of(byte))) missing.push(byte);
    }
    if (missing.length > 0) {
      const list = missing.map((byte) => byte.toString(16)).join(" ");
      throw new TokenizerError(
        `json: the vocabulary must have a token for every byte, got none for ${list}. Use a tokenizer with byte fallback or byte-level tokens`,
      );
    }
  }
}

function compared(a: Uint8Array, b: Uint8Array): number {
  const length = common(a, b);
  return length === a.length || length === b.length ? a.length - b.length : a[length] - b[length];
}

function common(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
