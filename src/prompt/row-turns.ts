import { largest } from "./largest.ts";
import { marksIn } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/** A row's text by turns: what the person says and the answers behind it, each with the ends of its lines. */
interface RowTurns {
  /** What stands before anybody speaks. */
  readonly head: string;
  readonly turns: readonly string[];
}

/**
 * A training row without as many of its oldest turns as it takes for the rest to fit; where the last answered turn alone
 * is too long, without all others. The marks of pictures and videos stay, in front of what is kept: an answer about a
 * picture is never learned without it. Nothing is left out for lines behind the last answer, which teach nothing.
 *
 * @param fits whether a row of this text fits
 * @param learns whether it would teach anything; where the last answered turn alone would not, nothing is left out
 */
export function withoutOldestTurns(
  text: string,
  template: PromptTemplate,
  fits: (text: string) => boolean,
  learns: (text: string) => boolean,
): { readonly text: string; readonly leftOut: number } {
  const { head, turns } = rowTurns(text, template);
  const answered = turns.findLastIndex((turn) => lineMark(turn, template.assistant)) + 1;
  if (answered < 2 || fits(text)) return { text, leftOut: 0 };
  const keep = (count: number, until: number): string => {
    const carried = marksIn(turns.slice(0, answered - count).join("")).map(
      (mark) => `${template.user}${mark}\n`,
    );
    return [head, ...carried, ...turns.slice(answered - count, until)].join("");
  };
  const kept = largest(1, answered, (count) => fits(keep(count, answered)));
  if (kept === 1 && !learns(keep(1, answered))) return { text, leftOut: 0 };
  return { text: keep(kept, turns.length), leftOut: answered - kept };
}

function lineMark(text: string, mark: string): boolean {
  return text.startsWith(mark) || text.includes(`\n${mark}`);
}

function rowTurns(text: string, { user, assistant }: PromptTemplate): RowTurns {
  const heads: string[] = [];
  const turns: string[][] = [];
  let answered = false;
  for (const line of text.split(/(?<=\n)/)) {
    const isAnswer = line.startsWith(assistant);
    const isUser = !isAnswer && line.startsWith(user);
    if (isUser && (answered || turns.length === 0)) turns.push([]);
    else if (isAnswer && turns.length === 0) turns.push([]);
    if (isAnswer || isUser) answered = isAnswer;
    (turns.at(-1) ?? heads).push(line);
  }
  return { head: heads.join(""), turns: turns.map((lines) => lines.join("")) };
}
