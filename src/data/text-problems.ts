import { foreignMarkOf, imageMark, linesInFences, videoMark } from "../prompt/index.ts";

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

const label = (names: string): RegExp => new RegExp(`^\\s*(?:#{1,6}\\s*)?\\**(${names})\\**\\s*[:\uff1a]`);
const personsLine = label("Human|HUMAN|User|USER|Instruction|Input");
const answersLine = label("AI|GPT|ChatGPT|Assistant|ASSISTANT|Response|Bot");

/**
 * What in the words of one turn shows that further turns were swallowed: marks of chat formats, and in an answer the lines of a
 * person and of who answers. Learned as they stand, a person's words would become the model's. What is fenced is text.
 */
export function swallowedTurns(text: string, role: "system" | "user" | "assistant"): string[] {
  const all = text.split("\n");
  const fenced = linesInFences(all);
  const lines = all.filter((_, i) => !fenced.has(i));
  const mark = lines.map(foreignMarkOf).find((found) => found !== undefined);
  if (mark !== undefined)
    return [`holds ${mark}, the beginning or end of a turn in another format; split its turns`];
  if (role !== "assistant") return [];
  const asked = lines.findIndex((line) => personsLine.test(line));
  const isAnswered = asked >= 0 && lines.slice(asked + 1).some((line) => answersLine.test(line));
  if (!isAnswered) return [];
  const shown = JSON.stringify(lines[asked].trim().slice(0, 32));
  return [
    `holds a person's turn and an answer to it (${shown}), which would be learned as the model's; split its turns`,
  ];
}
