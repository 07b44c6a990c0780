/** Some lengths between two bounds, both included. */
export interface LengthBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How many rows have which length. */
export class LengthCounts {
  readonly #counts = new Map<number, number>();
  count = 0;
  /** All lengths together. */
  total = 0;

  add(length: number): void {
    this.#counts.set(length, (this.#counts.get(length) ?? 0) + 1);
    this.count++;
    this.total += length;
  }

  get least(): number {
    return this.#sorted()[0]?.[0] ?? 0;
  }

  get most(): number {
    return this.#sorted().at(-1)?.[0] ?? 0;
  }

  /** The length that half of the rows do not exceed. */
  get median(): number {
    let below = 0;
    for (const [length, count] of this.#sorted()) {
      below += count;
      if (2 * below >= this.count) return length;
    }
    return 0;
  }

  /** The lengths in about `bins` bins of one width: 1, 2 or 5 times a power of ten. */
  histogram(bins = 10): LengthBin[] {
    const sorted = this.#sorted();
    if (sorted.length === 0) return [];
    const [[least], [most]] = [sorted[0], sorted[sorted.length - 1]];
    const width = roundWidth((most - least + 1) / bins);
    const first = Math.floor(least / width);
    const counts = new Array<number>(Math.floor(most / width) - first + 1).fill(0);
    for (const [length, count] of sorted) counts[Math.floor(length / width) - first] += count;
    return counts.map((count, i) => {
      const from = (first + i) * width;
      return { from, to: from + width - 1, count };
    });
  }

  #sorted(): [length: number, count: number][] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

/** The least of 1, 2, 5, 10, 20, 50 … that is not below. */
function roundWidth(width: number): number {
  for (let power = 1; ; power *= 10) {
    const found = [1, 2, 5].find((digit) => digit * power >= width);
    if (found !== undefined) return found * power;
  }
}
