import { spaceMark } from "./format.ts";
import { expressionOf, notComputed, type Pattern, type Step } from "./step.ts";
import { lettersOfBytes } from "./token-bytes.ts";

/**
 * Cuts a text into the words that tokens never go beyond.
 *
 * @param isFirst whether the text is the beginning of what is encoded
 */
export type PreTokenizer = (text: string, isFirst: boolean) => string[];

/** Stands in a text where no token may go on: half a surrogate pair, which no text has. */
export const cutMark = "\ud801";
/** The mark alone, not as the first half of a character. */
const cut = /\ud801(?![\udc00-\udfff])/;

/** Words cut at such marks. */
export function withoutCuts(words: readonly string[]): readonly string[] {
  if (!words.some((word) => cut.test(word))) return words;
  return words.flatMap((word) => word.split(cut)).filter((word) => word !== "");
}

/** What becomes of the matches of a pattern and of what lies between them. */
type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";
const behaviors: readonly unknown[] = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
];

// GPT-2's words (reference: `ByteLevel` of Hugging Face's tokenizers).
const gpt2Words = {
  Regex: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
};
const punctuation = { Regex: "[!-/:-@\\[-`{-~\\p{P}]" };
const whitespace = { Regex: "\\p{White_Space}" };

/**
 * The section `pre_tokenizer` of a tokenizer.json.
 *
 * @throws TokenizerError naming a kind or a setting that is not computed
 */
export function preTokenizerOf(step: Step | null): PreTokenizer {
  if (step === null) return (text) => [text];
  switch (step.type) {
    case "Sequence":
      return inTurn((step.pretokenizers as readonly Step[]).map(preTokenizerOf));
    case "Split":
      return split(step.pattern as Pattern, behaviorOf(step), step.invert === true);
    case "Digits":
      return split({ Regex: "\\p{N}" }, step.individual_digits === true ? "Isolated" : "Contiguous");
    case "Punctuation":
      return split(punctuation, behaviorOf(step, "Isolated"));
    case "Whitespace":
      return split({ Regex: "\\w+|[^\\w\\s]+" }, "Removed", true);
    case "WhitespaceSplit":
      return split(whitespace, "Removed");
    case "CharDelimiterSplit":
      return split({ String: String(step.delimiter) }, "Removed");
    case "BertPreTokenizer":
      return inTurn([split(whitespace, "Removed"), split(punctuation, "Isolated")]);
    case "ByteLevel":
      return byteLevel(step);
    case "Metaspace":
      return metaspace(step);
    default:
      throw notComputed("pre_tokenizer", step);
  }
}

function inTurn(steps: readonly PreTokenizer[]): PreTokenizer {
  return (text, isFirst) => {
    let words = [text];
    for (const step of steps) words = words.flatMap((word, i) => step(word, isFirst && i === 0));
    return words;
  };
}

function byteLevel({ add_prefix_space: adds = true, use_regex: usesRegex = true }: Step): PreTokenizer {
  const cut = usesRegex === true ? split(gpt2Words, "Isolated") : (text: string) => [text];
  return (text, isFirst) =>
    withoutCuts(cut(adds === true && !text.startsWith(" ") ? ` ${text}` : text, isFirst)).map(lettersOfBytes);
}

function metaspace(step: Step): PreTokenizer {
  const mark = String(step.replacement ?? spaceMark);
  const scheme = step.add_prefix_space === false ? "never" : (step.prepend_scheme ?? "always");
  const cut = step.split === false ? (text: string) => [text] : split({ String: mark }, "MergedWithNext");
  return (text, isFirst) => {
    const marked = text.replaceAll(" ", () => mark);
    const prepends = scheme === "always" || (scheme === "first" && isFirst);
    return cut(prepends && !marked.startsWith(mark) ? mark + marked : marked, isFirst);
  };
}

function behaviorOf(step: Step, fallback?: Behavior): Behavior {
  const behavior = step.behavior ?? fallback;
  if (behaviors.includes(behavior)) return behavior as Behavior;
  throw notComputed("pre_tokenizer", step, `behavior ${JSON.stringify(behavior)}`);
}

/** A piece of a text, and whether the pattern matched it. */
type Cut = readonly [text: string, isMatch: boolean];

function split(pattern: Pattern, behavior: Behavior, invert = false): PreTokenizer {
  const expression = expressionOf(pattern);
  // Most patterns match all of a text.
  if (behavior === "Isolated") return (text) => cutsOf(text, expression).map(([cut]) => cut);
  return (text) => {
    const cuts = cutsOf(text, expression).map(([cut, isMatch]): Cut => [cut, isMatch !== invert]);
    return behavior === "Removed"
      ? cuts.flatMap(([cut, isMatch]) => (isMatch ? [] : [cut]))
      : merged(cuts, behavior);
  };
}

function cutsOf(text: string, expression: RegExp): Cut[] {
  const cuts: Cut[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(expression)) {
    if (index > end) cuts.push([text.slice(end, index), false]);
    if (match !== "") cuts.push([match, true]);
    end = index + match.length;
  }
  if (end < text.length) cuts.push([text.slice(end), false]);
  return cuts;
}

/** Joins pieces: equal neighbours, or a match to the piece before it or behind it that is none. */
function merged(cuts: readonly Cut[], behavior: Exclude<Behavior, "Removed" | "Isolated">): string[] {
  const words: string[] = [];
  const order = behavior === "MergedWithNext" ? cuts.toReversed() : cuts;
  let before: boolean | undefined;
  for (const [cut, isMatch] of order) {
    const joins = behavior === "Contiguous" ? isMatch === before : isMatch && before !== true;
    const last = joins ? words.pop() : undefined;
    if (last === undefined) words.push(cut);
    else words.push(behavior === "MergedWithNext" ? cut + last : last + cut);
    before = isMatch;
  }
  return behavior === "MergedWithNext" ? words.reverse() : words;
}
