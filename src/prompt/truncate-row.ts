import { exponentialSearch } from "./exponential-search.ts";
import { marksIn } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/** A row's text by turns: a user's lines and the answers to them, each line with its end. */
interface RowTurns {
  /** The text in front of the first turn. */
  readonly head: string;
  readonly turns: readonly string[];
}

/**
 * Leaves out as many of a training row's oldest turns as must go for the rest to fit; where the last answered turn alone
 * is too long, all others. The marks of pictures and videos stay, in front of what is kept: an answer about a
 * picture is never learned without it. Nothing is left out for lines behind the last answer, which teach nothing.
 *
 * @param fits whether a row of this text fits
 * @param learns whether a row of this text has tokens to learn; where the last answered turn alone would not, nothing is left
 *   out
 */
export function withoutOldestTurns(
  text: string,
  template: PromptTemplate,
  fits: (text: string) => boolean,
  learns: (text: string) => boolean,
): { readonly text: string; readonly leftOut: number } {
  const { head, turns } = rowTurns(text, template);
  const answered = turns.findLastIndex((turn) => beginsALine(turn, template.assistant)) + 1;
  if (answered < 2 || fits(text)) return { text, leftOut: 0 };
  const keep = (count: number, until: number): string => {
    const carried = marksIn(turns.slice(0, answered - count).join("")).map(
      (mark) => `${template.user}${mark}\n`,
    );
    return [head, ...carried, ...turns.slice(answered - count, until)].join("");
  };
  const kept = exponentialSearch(1, answered, (count) => fits(keep(count, answered)));
  if (kept === 1 && !learns(keep(1, answered))) return { text, leftOut: 0 };
  return { text: keep(kept, turns.length), leftOut: answered - kept };
}

function beginsALine(text: string, mark: string): boolean {
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
