import type { Random } from "../random.ts";
import { isHeldOutWord } from "../scenes/held-out.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Capitals that are no word, or by chance one that training may write. */
export function randomCapitals(random: Random, length: number): string {
  for (;;) {
    const capitals = Array.from({ length }, () => LETTERS[random.integer(LETTERS.length)]).join("");
    if (!isHeldOutWord(capitals)) return capitals;
  }
}

/** One or two words as a sign has them: mostly a word of the list, else random letters, or a word with a number. */
export function sampleSignWords(random: Random, words: readonly string[]): string[] {
  const word = (): string =>
    random.chance(0.3) ? randomCapitals(random, 3 + random.integer(4)) : random.pick(words).toUpperCase();
  const number = (): string => `${1 + random.integer(random.chance(0.5) ? 9 : 99)}`;
  const dice = random.next();
  if (dice < 0.62) return [word()];
  if (dice < 0.7) return [number()];
  if (dice < 0.82) return [word(), number()];
  return [word(), word()];
}
