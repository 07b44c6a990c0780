/** `A`, `B`, … for the options of a question. */
export const optionLetter = (index: number): string => String.fromCharCode(65 + index);

/**
 * Which option an answer in free words chooses; undefined where that is not clear. In this order:
 *
 * 1. what follows "answer", "option" or "choice": `The answer is (B).`
 * 2. a letter that the answer begins with, or is: `B`, `B. A cat`, `(B) a cat`
 * 3. the text of exactly one option, where options that lie within others give way: `It is a cat.`
 * 4. the only letter that stands alone and in capitals, `A` before a word taken for an article: `I think it is B`
 *
 * MMBench and others let a language model do this; rules are free and repeatable.
 */
export function chosenOption(answer: string, options: readonly string[]): number | undefined {
  const letters = options.map((_, index) => optionLetter(index)).join("");
  const index = (letter: string | undefined): number | undefined =>
    letter === undefined ? undefined : letters.indexOf(letter.toUpperCase());
  const text = answer.trim();
  const named = new RegExp(
    `\\b(?:answer|option|choice)(?: is| would be)?:? *\\(?([${letters}])\\)?(?![\\p{L}\\p{N}'])`,
    "iu",
  ).exec(text);
  // "The answer is a cat" speaks of no option A.
  if (named !== null && !(named[1] === "a" && /^ \p{L}/u.test(text.slice(named.index + named[0].length)))) {
    return index(named[1]);
  }
  const first = new RegExp(`^\\(?([${letters}])(?:\\)|[.:,]|$)`, "i").exec(text)?.[1];
  return index(first) ?? optionNamed(text, options) ?? index(loneLetter(text, letters));
}

function optionNamed(text: string, options: readonly string[]): number | undefined {
  const plain = (value: string): string =>
    ` ${value
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim()} `;
  const given = plain(text);
  const texts = options.map(plain);
  const equal = texts.indexOf(given);
  if (equal >= 0) return equal;
  const within = texts.filter((option) => option.trim() !== "" && given.includes(option));
  const longest = within.filter(
    (option) => !within.some((other) => other !== option && other.includes(option)),
  );
  return longest.length === 1 && texts.indexOf(longest[0]) === texts.lastIndexOf(longest[0])
    ? texts.indexOf(longest[0])
    : undefined;
}

function loneLetter(text: string, letters: string): string | undefined {
  const found = [...text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}'])([${letters}])(?![\\p{L}\\p{N}'])`, "gu"))]
    .filter((match) => match[1] !== "A" || !/^ \p{Ll}/u.test(text.slice(match.index + 1)))
    .map(([letter]) => letter);
  return new Set(found).size === 1 ? found[0] : undefined;
}
