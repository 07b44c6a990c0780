/**
 * Cuts streamed text before the first stop string, however the text is divided into pieces. Text that may be the beginning
 * of a stop string is held back until the next piece decides, so that what was emitted stays.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";
  #found = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether a stop string has been reached. */
  get found(): boolean {
    return this.#found;
  }

  /** Adds text; returns what may be shown. */
  push(text: string): string {
    if (this.#found) return "";
    this.#held += text;
    const cut = this.#earliest();
    if (cut >= 0) {
      this.#found = true;
      return this.#release(cut);
    }
    return this.#release(this.#held.length - this.#openLength());
  }

  /** The text still held back when no more comes. */
  end(): string {
    return this.#found ? "" : this.#release(this.#held.length);
  }

  /** Where the stop string begins that ends first; of those that end together, the longest. */
  #earliest(): number {
    const found = this.#stops
      .map((stop) => ({ start: this.#held.indexOf(stop), length: stop.length }))
      .filter(({ start }) => start >= 0)
      .sort((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start);
    return found[0]?.start ?? -1;
  }

  /** Length of the longest tail that begins a stop string. */
  #openLength(): number {
    const begins = (length: number): boolean =>
      this.#stops.some((stop) => stop.startsWith(this.#held.slice(this.#held.length - length)));
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, this.#held.length); length > 0; length--) {
      if (begins(length)) return length;
    }
    return 0;
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }
}
