/** Which characters (code points) may follow each other in a string. */
export interface CharacterAutomaton {
  readonly start: number;
  /** The state after a character; undefined: it cannot come. */
  next(state: number, character: number): number | undefined;
  accepts(state: number): boolean;
  /** Fewest bytes of JSON after which it may end; Infinity: never. */
  least(state: number): number;
  /** Fewest bytes after one more character of a range; Infinity where none of these can come. */
  leastAfter(state: number, low: number, high: number): number;
}

/** Any characters, so many of them. */
export function anyCharacters(minimum: number, maximum: number): CharacterAutomaton {
  // What is beyond the last number that matters is that number.
  const most = Number.isFinite(maximum) ? maximum : minimum;
  const after = (state: number): number | undefined => {
    if (state < most) return state + 1;
    return Number.isFinite(maximum) ? undefined : state;
  };
  const least = (state: number): number =>
    minimum > maximum ? Number.POSITIVE_INFINITY : Math.max(0, minimum - state);
  return {
    start: 0,
    next: after,
    accepts: (state) => state >= minimum,
    least,
    leastAfter(state) {
      const next = after(state);
      return next === undefined ? Number.POSITIVE_INFINITY : least(next);
    },
  };
}

/** A transition of {@link listedCharacters}. */
export interface CharacterRange {
  readonly low: number;
  readonly high: number;
  readonly to: number;
}

/** States that are listed: the transitions of each (no two for one character), and where it may end. State 0 is the first. */
export function listedCharacters(
  states: readonly { readonly ranges: readonly CharacterRange[]; readonly accepts: boolean }[],
): CharacterAutomaton {
  const least = leastBytes(states);
  return {
    start: 0,
    next(state, character) {
      const range = states[state].ranges.find(({ low, high }) => low <= character && character <= high);
      return range !== undefined && least[range.to] < Number.POSITIVE_INFINITY ? range.to : undefined;
    },
    accepts: (state) => states[state].accepts,
    least: (state) => least[state],
    leastAfter(state, low, high) {
      const met = states[state].ranges.filter((range) => range.low <= high && range.high >= low);
      return met.reduce((fewest, { to }) => Math.min(fewest, least[to]), Number.POSITIVE_INFINITY);
    },
  };
}

function leastBytes(
  states: readonly { readonly ranges: readonly CharacterRange[]; readonly accepts: boolean }[],
): number[] {
  const before: { from: number; bytes: number }[][] = states.map(() => []);
  for (const [from, { ranges }] of states.entries()) {
    for (const { low, high, to } of ranges) before[to].push({ from, bytes: shortest(low, high) });
  }
  const least = states.map(({ accepts }) => (accepts ? 0 : Number.POSITIVE_INFINITY));
  // By rising distance; no character takes more than six bytes, so a few buckets are enough.
  let open = states.flatMap(({ accepts }, state) => (accepts ? [state] : []));
  const buckets = new Map<number, number[]>();
  for (let distance = 0; open.length > 0 || buckets.size > 0; distance++) {
    for (const state of open) {
      if (least[state] !== distance) continue;
      for (const { from, bytes } of before[state]) {
        if (distance + bytes >= least[from]) continue;
        least[from] = distance + bytes;
        buckets.set(least[from], [...(buckets.get(least[from]) ?? []), from]);
      }
    }
    open = buckets.get(distance + 1) ?? [];
    buckets.delete(distance + 1);
  }
  return least;
}

/** Classes of characters by the bytes that each takes in JSON: [first, last, bytes]. */
const byteClasses = [
  [0x20, 0x21, 1],
  [0x23, 0x5b, 1],
  [0x5d, 0x7f, 1],
  [0x08, 0x0a, 2],
  [0x0c, 0x0d, 2],
  [0x22, 0x22, 2],
  [0x5c, 0x5c, 2],
  [0x80, 0x7ff, 2],
  [0x800, 0xffff, 3],
  [0x10000, 0x10ffff, 4],
  [0x00, 0x1f, 6],
] as const;

/** Bytes of the shortest character of a range. */
function shortest(low: number, high: number): number {
  const found = byteClasses.find(([first, last]) => first <= high && last >= low);
  return found?.[2] ?? Number.POSITIVE_INFINITY;
}
