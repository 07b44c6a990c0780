/** Fewest insertions, deletions and replacements that turn one text into another (Levenshtein, 1966). */
export function editDistance(a: readonly string[], b: readonly string[]): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, character] of a.entries()) {
    const row = [i + 1];
    for (const [j, other] of b.entries()) {
      row.push(Math.min(above[j + 1] + 1, row[j] + 1, above[j] + Number(character !== other)));
    }
    above = row;
  }
  return above[b.length];
}

/** Longer than any name: what is longer was no name at all, and would take long to compare. */
const maxNameLength = 64;

/**
 * The known name that `name` is most likely a misspelling of: the same but for capitals and signs between words
 * (`learning_rate` for `learningRate`), else one with at most two letters in five otherwise, else one that the name begins
 * with or that begins with it (`batchsize` for `batch`). Undefined where none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > maxNameLength) return undefined;
  const given = lettersOf(name);
  if (given.length === 0) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, rank: remoteness(given, lettersOf(candidate)) }))
    .filter(({ rank }) => rank < 2)
    .sort((a, b) => a.rank - b.rank);
  return ranked[0]?.candidate;
}

const lettersOf = (name: string): string[] => [...name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")];

/** 0 is the same; below 1 a slip of the pen; below 2 one is how the other begins; more is another name. */
function remoteness(given: readonly string[], known: readonly string[]): number {
  const longer = Math.max(given.length, known.length);
  const distance = editDistance(given, known) / longer;
  if (distance <= 0.4 || (longer > 2 && distance * longer <= 1)) return distance;
  const [a, b] = [given.join(""), known.join("")];
  const common = Math.min(a.length, b.length);
  return common >= 3 && (a.startsWith(b) || b.startsWith(a)) ? 1 + distance : 2;
}
