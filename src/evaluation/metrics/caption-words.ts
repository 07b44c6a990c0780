/** What COCO's caption evaluation drops after splitting, brackets included. */
const dropped = new Set([
  "''",
  "'",
  "``",
  "`",
  ".",
  "?",
  "!",
  ",",
  ":",
  "-",
  "--",
  "...",
  ";",
  ...'()[]{}"“”‘’…–—',
]);

const tokens = /\p{N}+(?:[.,:/]\p{N}+)+|[\p{L}\p{M}\p{N}]+(?:[-'’][\p{L}\p{M}\p{N}]+)*|\.\.\.|--|\S/gu;
const clitic = /^(.+?)(n't|'(?:s|re|ve|ll|d|m))$/;

/**
 * The words of a caption: lower case, `doesn't` as `does n't` and `dog's` as `dog 's`, numbers and words with hyphens in
 * one piece, other signs alone, punctuation dropped.
 *
 * COCO's caption evaluation uses Stanford's PTBTokenizer for this, a program with hundreds of rules. This is its main
 * ones, so a score can differ from COCO's in the third digit where captions have abbreviations (`u.s.`), `cannot`, or
 * brackets (which COCO means to drop, and keeps as `-lrb-`).
 */
export function captionWords(caption: string): string[] {
  const found = caption.toLowerCase().match(tokens) ?? [];
  return found
    .flatMap((token) => withoutClitics(token.replaceAll("’", "'")))
    .filter((token) => !dropped.has(token));
}

function withoutClitics(token: string): string[] {
  const parts = clitic.exec(token);
  return parts === null ? [token] : [...withoutClitics(parts[1]), parts[2]];
}
