import { escapeRegExp } from "../platform/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { PromptTemplate } from "./template.ts";

/** Changes the text of a message so that no line of it can be read as the beginning of a turn. */
export type EscapeRoleMarks = (text: string, role: "system" | "user" | "assistant") => string;

// Besides the line feed, what people and programs see as the end of a line.
const lineEnds = /(\r\n|[\n\v\f\r\u0085\u2028\u2029])/;
/** U+2581 is a space to tokenizers of SentencePiece's kind. */
const blank = "[ \u2581]";

/**
 * In a written conversation a line that begins with a role's mark (`AI: `) begins a turn. Messages may contain such lines,
 * too; these are indented by two spaces more than the mark, the least that keeps their tokens from being those of a turn: for
 * templates that cut at turns, SentencePiece's tokenizers encode the real mark with one more space in front.
 */
export function roleMarkEscaper(template: PromptTemplate, tokenizer: Tokenizer): EscapeRoleMarks {
  const fold = foldsLetters(tokenizer) ? folded : (text: string) => text;
  const marks = [template.user, template.assistant];
  const beginnings = marks.flatMap((mark) => beginningOf(mark, fold) ?? []);
  if (beginnings.length === 0) return (text) => text;
  const most = Math.max(...marks.map(indentOf));
  const indent = `^${blank}{0,${most + 1}}`;
  const turn = new RegExp(`${indent}(?:${beginnings.join("|")})`, "u");
  const endsLine = {
    system: true,
    user: endsLineOf(template.user),
    assistant: endsLineOf(template.assistant),
  };
  return (text, role) =>
    text
      .split(lineEnds)
      .map((line, index) => {
        const isLine = index % 2 === 0 && (index > 0 || endsLine[role]);
        if (!isLine || !turn.test(fold(line))) return line;
        return line.replace(new RegExp(indent), " ".repeat(most + 2));
      })
      .join("");
}

const endsLineOf = (mark: string): boolean => mark === "" || /[\n\v\f\r\u0085\u2028\u2029]$/.test(mark);

/** Spaces in front of a mark's first words. */
const indentOf = (mark: string): number => /( *)\S/.exec(mark)?.[1].length ?? 0;

/** What a mark's first line looks like, as a pattern; undefined for a mark of blanks. */
function beginningOf(mark: string, fold: (text: string) => string): string | undefined {
  const [line] = mark.trim().split(lineEnds);
  if (line === "") return undefined;
  const pattern = escapeRegExp(fold(line));
  // "USER" is no mark in front of "USERS", unless words follow it without a blank.
  const isWord = /[\p{L}\p{N}]$/u.test(line) && !mark.endsWith(line);
  return isWord ? `${pattern}(?![\\p{L}\\p{N}])` : pattern;
}

/** Whether other letters than those of a mark may become its tokens. */
function foldsLetters({ json }: Tokenizer): boolean {
  const steps = JSON.stringify(json.normalizer ?? {}).matchAll(/"type":"(\w+)"/g);
  return [...steps].some(([, type]) => !["Sequence", "Prepend", "Replace"].includes(type));
}

/** One form of all letters that a normalizer may make equal, without those that it may leave out. */
function folded(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\p{Cf}\p{Cc}\p{M}]/gu, "")
    .toLowerCase();
}
