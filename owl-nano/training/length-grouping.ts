import { randomFor } from "../random.ts";

/** Batches sorted together: more give more even batches, and longer groups of one length. */
const BATCHES = 8;

/**
 * An order of examples in which each batch holds texts of similar length, so that little is padding. Within groups of eight
 * batches the examples are sorted by length, and the batches then shuffled; every example still comes exactly once.
 *
 * @param lengthOf characters of example i's text
 * @param rows examples of this source in a batch
 * @returns the example to show at place `index`
 */
export function groupByLength(
  lengthOf: (index: number) => number,
  rows: number,
  seed: number,
): (index: number) => number {
  const groupSize = BATCHES * rows;
  let known = { number: -1, order: [] as number[] };
  const orderOf = (number: number): number[] => {
    if (known.number === number) return known.order;
    const members = Array.from({ length: groupSize }, (_, i) => number * groupSize + i);
    const lengths = new Map(members.map((index) => [index, lengthOf(index)]));
    members.sort((a, b) => lengths.get(a)! - lengths.get(b)! || a - b);
    // The same seed gives two sources the same order of batches, so that their rows meet in batches of one length.
    const batches = randomFor(seed, "lengths", number).shuffle(Array.from({ length: BATCHES }, (_, i) => i));
    const order = batches.flatMap((batch) => members.slice(batch * rows, (batch + 1) * rows));
    known = { number, order };
    return order;
  };
  return (index) => orderOf(Math.floor(index / groupSize))[index % groupSize];
}
