/**
 * Contractions that get back an apostrophe left out: any one of them, so `hed've` and `he'dve` both become `he'd've`.
 * Some that the released table has never apply, because texts are put into lower case before (`Im`).
 */
const contractions = `ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd
  he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't
  not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
  someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're
  there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've
  when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
  wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've`;

const mended = new Map<string, string>([
  ...contractions
    .split(/\s+/)
    .flatMap((word) => withoutOneApostrophe(word).map((bare) => [bare, word] as const)),
  // The released table has this one the other way round.
  ["somebody'd", "somebodyd"],
]);

const numberWords = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const digits = new Map([["none", "0"], ...numberWords.map((word, i) => [word, String(i)] as const)]);
const articles = new Set(["a", "an", "the"]);
const punctuation = [...';/[]"{}()=+\\_-><@`,?!'];

function withoutOneApostrophe(word: string): string[] {
  return [...word.matchAll(/'/g)].map(({ index }) => word.slice(0, index) + word.slice(index + 1));
}

/**
 * An answer as VQA compares it: lower case, punctuation away (or a space in its place, where it stands between
 * letters), number words as digits, no articles, contractions with their apostrophes (the released VQA evaluation code;
 * Antol et al., VQA, 2015, section 5).
 */
export function normalizedVqaAnswer(answer: string): string {
  const words = withoutPunctuation(answer.replace(/[\n\t]/g, " ").trim())
    .toLowerCase()
    .split(/\s+/)
    .map((word) => digits.get(word) ?? word)
    .filter((word) => word !== "" && !articles.has(word));
  return words.map((word) => mended.get(word) ?? word).join(" ");
}

function withoutPunctuation(text: string): string {
  // A mark beside a space, or in a text with a number such as 1,000, leaves nothing behind, any other leaves a space.
  const hasNumberWithComma = /\d,\d/.test(text);
  let result = text;
  for (const mark of punctuation) {
    const vanishes = hasNumberWithComma || text.includes(`${mark} `) || text.includes(` ${mark}`);
    result = result.replaceAll(mark, vanishes ? "" : " ");
  }
  return result.replace(/\.(?!\d)/g, "");
}

/**
 * Share of annotators that an answer agrees with, as VQA counts it: right where three of the others gave it, averaged
 * over leaving out each annotator in turn (the released evaluation code; VQA v2: Goyal et al., 2017). With ten
 * annotators 1, 2, 3 and 4 equal answers are worth 0.3, 0.6, 0.9 and 1.
 *
 * Both sides are normalised always. The released code compares texts as they are where all annotators gave the same.
 *
 * @throws RangeError where there are fewer than two annotators
 */
export function vqaAccuracy(answer: string, annotations: readonly string[]): number {
  if (annotations.length < 2) {
    throw new RangeError(`vqaAccuracy: must be given two annotations or more, got ${annotations.length}`);
  }
  const given = normalizedVqaAnswer(answer);
  const agreeing = annotations.map((annotation) => normalizedVqaAnswer(annotation) === given);
  const matches = agreeing.filter(Boolean).length;
  const worths = agreeing.map((agrees) => Math.min(1, (matches - Number(agrees)) / 3));
  return worths.reduce((sum, worth) => sum + worth, 0) / worths.length;
}
