const UNITS =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

/** The words of an answer in a form in which equal answers are equal. */
export type Tokens = readonly string[];

/** Whether it is text of a picture: capitals, digits and signs alone. */
function isSceneText(text: string): boolean {
  return !/[a-z]/.test(text) && /[A-Z0-9]/.test(text);
}

/**
 * The words of a text in lower case, but scene text (in quotes, or capitals of two and more) as it is; numbers as digits; without marks
 * and articles.
 */
export function tokensOf(text: string): string[] {
  const quoted = text.split('"');
  // Odd parts stand between quotes; one that is never closed counts as closed at the end.
  const tokens = quoted.flatMap((part, i) =>
    i % 2 === 1 && isSceneText(part) ? sceneTokens(part) : plainTokens(part),
  );
  return withoutArticles(asDigits(tokens));
}

/** The words of a part of a slot, which is scene text where it has capitals alone. */
export function slotTokens(part: string): string[] {
  return isSceneText(part) && /[A-Z]/.test(part) ? sceneTokens(part) : tokensOf(part);
}

function sceneTokens(text: string): string[] {
  return text.split(/[\s,"]+/).filter((token) => token !== "");
}

function plainTokens(text: string): string[] {
  const words = text.match(/=|[A-Za-z0-9$]+(?:[':.-][A-Za-z0-9]+)*/g) ?? [];
  return words.map((word) => (/[A-Z].*[A-Z]/.test(word) && isSceneText(word) ? word : word.toLowerCase()));
}

function asDigits(tokens: readonly string[]): string[] {
  const digits: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const [tens, unit] = [TENS.indexOf(tokens[at]), UNITS.indexOf(tokens[at + 1] ?? "")];
    if (tens >= 0 && unit > 0 && unit < 10) {
      digits.push(String((tens + 2) * 10 + unit));
      at++;
    } else if (tens >= 0) digits.push(String((tens + 2) * 10));
    else digits.push(UNITS.includes(tokens[at]) ? String(UNITS.indexOf(tokens[at])) : tokens[at]);
  }
  return digits;
}

/** Articles go; the letter "a" of a spelled word stays. */
function withoutArticles(tokens: readonly string[]): string[] {
  return tokens.filter((token, i) => {
    const next = tokens[i + 1];
    return !(/^(a|an|the)$/.test(token) && next !== undefined && /^[a-z]{2}/.test(next));
  });
}

/** Where `part` begins in `tokens` at or after `from`; −1 where it does not. */
export function positionOf(part: Tokens, tokens: Tokens, from = 0): number {
  for (let at = from; at + part.length <= tokens.length; at++)
    if (part.every((token, i) => tokens[at + i] === token)) return at;
  return -1;
}

/** The sentences of a text; full stops between quotes end none. */
export function sentencesOf(text: string): string[] {
  return (text.match(/(?:"[^"]*"|[^".!?]|[.!?](?!\s|$))+[.!?]*/g) ?? [])
    .map((part) => part.trim())
    .filter(Boolean);
}
