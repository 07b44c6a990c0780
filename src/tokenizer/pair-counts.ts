/** Two adjacent tokens. */
interface Pair {
  left: number;
  right: number;
  count: number;
  /** Words it occurs in, or occurred in earlier. */
  words: Set<number>;
}

interface Word {
  ids: number[];
  count: number;
}

/** Counts of adjacent token pairs over a list of counted words, kept up to date while pairs are merged. */
export class PairCounts {
  private readonly words: Word[] = [];
  private readonly pairs = new Map<number, Pair>();

  /** Adds a word that occurs `count` times; id −1 stands for a character that is never merged. */
  addWord(ids: number[], count: number): void {
    this.words.push({ ids, count });
    this.countPairs(this.words.length - 1, 1);
  }

  /** The pair with the highest count, at least two; among equals the one with the smallest ids. */
  mostFrequent(): { left: number; right: number } | undefined {
    let best: Pair | undefined;
    for (const pair of this.pairs.values()) {
      if (pair.count >= 2 && (!best || isBefore(pair, best))) best = pair;
    }
    return best;
  }

  /** Replaces the pair by `id` in every word, from left to right. */
  join(left: number, right: number, id: number): void {
    const pair = this.pairs.get(key(left, right));
    for (const index of pair?.words ?? []) {
      const word = this.words[index];
      this.countPairs(index, -1);
      word.ids = joined(word.ids, left, right, id);
      this.countPairs(index, 1);
    }
    this.pairs.delete(key(left, right));
  }

  private countPairs(index: number, sign: 1 | -1): void {
    const { ids, count } = this.words[index];
    for (let position = 0; position + 1 < ids.length; position++) {
      const left = ids[position];
      const right = ids[position + 1];
      if (left < 0 || right < 0) continue;
      let pair = this.pairs.get(key(left, right));
      if (!pair) {
        pair = { left, right, count: 0, words: new Set() };
        this.pairs.set(key(left, right), pair);
      }
      pair.count += sign * count;
      pair.words.add(index);
    }
  }
}

function isBefore(a: Pair, b: Pair): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}

function key(left: number, right: number): number {
  return left * 2 ** 24 + right;
}

function joined(ids: readonly number[], left: number, right: number, id: number): number[] {
  const result: number[] = [];
  for (let position = 0; position < ids.length; position++) {
    const isPair = ids[position] === left && ids[position + 1] === right;
    result.push(isPair ? id : ids[position]);
    if (isPair) position++;
  }
  return result;
}
