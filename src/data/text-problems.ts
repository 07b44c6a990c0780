import { imageMark, videoMark } from "../prompt/index.ts";

/** What in a text was lost or cannot be learned. */
export function textDamage(text: string): string[] {
  const around = (at: number): string => JSON.stringify(text.slice(Math.max(0, at - 12), at));
  const place = (found: RegExp): number => text.search(found);
  const [lost, zero, half] = [place(/\ufffd/), place(/\0/), place(/\p{Surrogate}/u)];
  return [
    ...(lost < 0
      ? []
      : [`the text has U+FFFD behind ${around(lost)}: a letter was lost when the file was converted`]),
    ...(zero < 0 ? [] : [`the text has U+0000 behind ${around(zero)}`]),
    ...(half < 0
      ? []
      : [`the text has half a character (\\u${text.charCodeAt(half).toString(16)}) behind ${around(half)}`]),
  ];
}

/** How other formats mark the place of a picture or video. Inside a sentence these may be text. */
const foreignMark =
  /<\|?\/?\s*(?:im(?:g|age)s?|pictures?|photos?|videos?|vid)[-_ ]?(?:placeholder|token|pad|here|start|end|\d{1,3})?\s*\/?\|?>|\[\/?(?:img|image|picture|video)\d{0,3}\]/gi;

/** Marks of other formats in a text, as the end of an error; "" where there are none. */
export function otherMarks(text: string, onLineOfTheirOwn: boolean): string {
  const found = [...text.matchAll(foreignMark)]
    .filter(({ 0: mark }) => mark !== imageMark && mark !== videoMark)
    .filter(({ 0: mark, index }) => !onLineOfTheirOwn || isLine(text, index, mark.length))
    .map(([mark]) => mark);
  const shown = [...new Set(found)].slice(0, 3).join(", ");
  return shown === "" ? "" : `; found ${shown} in the text`;
}

/** Whether nothing but a role's mark stands beside it on its line. */
function isLine(text: string, index: number, length: number): boolean {
  const start = text.lastIndexOf("\n", index - 1) + 1;
  const end = /[\r\n]|$/.exec(text.slice(index + length))!.index + index + length;
  return (
    /^(?:[^\n:]{1,20}:)?\s*$/.test(text.slice(start, index)) && text.slice(index + length, end).trim() === ""
  );
}
