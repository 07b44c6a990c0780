import { imageMark, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

type Role = "user" | "assistant";

/** How people call the two sides in other formats; a model's own template names two of them or other ones. */
const calledUser = ["human", "user"];
const calledAssistant = ["ai assistant", "assistant", "ai", "chatgpt", "gpt", "chatbot", "bot"];
/** Words that are too common at the beginning of a line to be taken for a mark on their own. */
const common: ReadonlySet<string> = new Set(["bot", "chatbot"]);

/** Blanks of every kind, and what is not seen at all. */
const blank = "[\\s\\u00ad\\u200b-\\u200f\\u2060\\ufeff]";
const colons = ":\uff1a\ufe55\ufe13\ua789\u2236";

/** The marks of other chat formats, at the beginning of a line. */
const foreignFormat =
  /^\s*(<\|(?:im_start|im_end|system|user|assistant|human|start_header_id|eot_id)\|>|\[\/?INST\]|<<SYS>>|<(?:start|end)_of_turn>)/i;

/** The mark that a role's label has in a template, `Human` for `Human: `; undefined where it is written otherwise. */
function labelOf(mark: string): string | undefined {
  return /^(.*\p{L})\s*:\s*$/u.exec(mark)?.[1];
}

interface Label {
  readonly role: Role;
  /** Whether the template calls the role so. */
  readonly own: boolean;
}

interface Reader {
  readonly template: PromptTemplate;
  /** By the words in small letters. */
  readonly labels: ReadonlyMap<string, Label>;
  /** A label with a colon at the beginning of a line, however it is written. */
  readonly atLineStart: RegExp;
}

function readerOf(template: PromptTemplate): Reader {
  const labels = new Map<string, Label>();
  for (const word of calledUser) labels.set(word, { role: "user", own: false });
  for (const word of calledAssistant) labels.set(word, { role: "assistant", own: false });
  for (const role of ["user", "assistant"] as const) {
    const label = labelOf(template[role])?.toLowerCase();
    if (label !== undefined) labels.set(label, { role, own: true });
  }
  const words = [...labels.keys()].toSorted((a, b) => b.length - a.length).map(literally);
  const lead = `(?:${blank}*(?:#{1,6}${blank}*)?(?:[*_[(<|]{1,3}${blank}*)?)`;
  const tail = `(?:${blank}|[*_\\])>|]){0,8}`;
  return {
    template,
    labels,
    atLineStart: new RegExp(`^(${lead})(${words.join("|")})(${tail})([${colons}])(.*)$`, "iu"),
  };
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

interface Turn {
  /** Undefined before the first mark. */
  readonly role: Role | undefined;
  /** Number of its first line, from 1. */
  readonly first: number;
  /** Its lines without the mark. */
  readonly lines: string[];
}

/**
 * What in a conversation's text looks like the beginning of a turn and is none: `Human:bye` without the blank, `USER: …`,
 * `AI：…`, a mark in the middle of a line. Such a row would teach a person's words as the model's, or leave an answer out.
 * Words like these inside a sentence are text, and so is everything inside a fence of three backticks.
 *
 * @param text lines end with `\n`
 */
export function markProblems(text: string, template: PromptTemplate): string[] {
  const reader = readerOf(template);
  const turns = turnsOf(text, template);
  const found = turns.flatMap((turn) => lineStarts(turn, reader));
  const sides = new Set(found.filter(({ label }) => !label?.own).map(({ label }) => label?.role));
  const isExchange = sides.has("user") && sides.has("assistant");
  return [
    ...found.filter(({ isSure }) => isSure || isExchange),
    ...turns.flatMap((turn, i) => insideLines(turn, turns[i + 1], template)),
  ]
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, shown, problem }) => `${quoted(shown)} (line ${line} of the text): ${problem}`);
}

function turnsOf(text: string, { user, assistant }: PromptTemplate): Turn[] {
  const turns: Turn[] = [{ role: undefined, first: 1, lines: [] }];
  for (const [i, line] of text.split("\n").entries()) {
    const role = line.startsWith(assistant) ? "assistant" : line.startsWith(user) ? "user" : undefined;
    if (role === undefined) turns.at(-1)!.lines.push(line);
    else {
      const mark = role === "user" ? user : assistant;
      turns.push({ role, first: i + 1, lines: [line.slice(mark.length)] });
    }
  }
  return turns;
}

interface Found {
  readonly line: number;
  readonly shown: string;
  readonly problem: string;
  readonly label?: Label | undefined;
  readonly isSure: boolean;
}

/** What stands at the beginnings of a turn's lines and is no mark; the first line of a turn begins behind its mark. */
function lineStarts({ role, first, lines }: Turn, reader: Reader): Found[] {
  const fenced = linesInFences(lines);
  return lines.flatMap((line, i): Found[] => {
    if (fenced.has(i) || (role !== undefined && i === 0)) return [];
    const at = { line: first + i, shown: line };
    const format = foreignFormat.exec(line)?.[1];
    if (format !== undefined) {
      const { user, assistant } = reader.template;
      const problem = `${format} is another format's; turns begin with ${JSON.stringify(user)} and ${JSON.stringify(assistant)}`;
      return [{ ...at, problem, isSure: true }];
    }
    const match = reader.atLineStart.exec(line);
    return match === null ? [] : [{ ...at, ...judged(match, reader) }];
  });
}

function judged(match: RegExpExecArray, { labels, template }: Reader): Omit<Found, "line" | "shown"> {
  const [, lead, word, tail, colon, after] = match;
  const label = labels.get(word.toLowerCase())!;
  const mark = template[label.role];
  const whose = label.role === "user" ? "a person's turn" : "an answer";
  if (!label.own) {
    const isSure = lead.includes("#") || (word !== word.toLowerCase() && !common.has(word.toLowerCase()));
    const problem = `${whose} begins with ${JSON.stringify(mark)}; where it is text, let the line begin with a quotation mark`;
    return { label, problem, isSure };
  }
  const wrong = [
    ...(lead === "" ? [] : [`nothing may stand before "${word}"`]),
    ...(mark.startsWith(word) ? [] : ["capitals as here"]),
    ...(tail === "" ? [] : [`nothing may stand before the colon`]),
    ...(colon === ":" ? [] : [`its colon is U+${colon.charCodeAt(0).toString(16).toUpperCase()}`]),
    ...(!mark.endsWith(" ") || after.startsWith(" ") ? [] : ["a blank must follow"]),
  ];
  const why = wrong.length === 0 ? "" : ` (${wrong.join(", ")})`;
  return { label, problem: `${whose} must begin with ${JSON.stringify(mark)}${why}`, isSure: true };
}

/** Numbers of the lines between two fences of one turn. */
function linesInFences(lines: readonly string[]): Set<number> {
  const fences = lines.flatMap((line, i) => (/^\s*(```|~~~)/.test(line) ? [i] : []));
  const inside = new Set<number>();
  for (let pair = 0; pair + 1 < fences.length; pair += 2) {
    for (let i = fences[pair] + 1; i < fences[pair + 1]; i++) inside.add(i);
  }
  return inside;
}

/** Marks in the middle of a line where the turns around them say that they were meant as marks. */
function insideLines(turn: Turn, next: Turn | undefined, template: PromptTemplate): Found[] {
  const { first, lines } = turn;
  const escaped = new RegExp(`(?:\\\\[nr]|<br ?/?>)${blank}*(${labelled(template)})`, "i");
  const found = lines.flatMap((line, i): Found[] => {
    const match = escaped.exec(line);
    if (match === null) return [];
    const problem = "a real line break must stand before a mark; in JSON that is a single backslash and n";
    return [{ line: first + i, shown: line.slice(match.index), problem, isSure: true }];
  });
  const swallowed = found.length > 0 ? undefined : swallowedTurn(turn, next, template);
  return swallowed === undefined ? found : [...found, swallowed];
}

const labelled = ({ user, assistant }: PromptTemplate): string =>
  [user, assistant].map((mark) => literally(mark.trimEnd())).join("|");

/** A turn of the other side that begins inside a line: without it this turn has no counterpart. */
function swallowedTurn(
  { role, first, lines }: Turn,
  next: Turn | undefined,
  template: PromptTemplate,
): Found | undefined {
  if (role === undefined) return undefined;
  const other = role === "user" ? "assistant" : "user";
  const mark = template[other];
  const begins = new RegExp(`(?<=[\\p{L}\\p{N}]\\s+|[.!?…,;)]\\s*)${literally(mark)}`, "u");
  const i = lines.findIndex((line) => begins.test(line));
  if (i < 0) return undefined;
  const rest = lines[i].slice(lines[i].search(begins));
  const answered = role === "assistant" && new RegExp(`\\s${literally(template.assistant)}`).test(rest);
  const lonely = next?.role === role && !isMediaAlone(next);
  const unanswered = role === "user" && next === undefined;
  if (!answered && !lonely && !unanswered) return undefined;
  const problem = `${other === "user" ? "a person's turn" : "an answer"} must begin on a line of its own`;
  return { line: first + i, shown: rest, problem, isSure: true };
}

const isMediaAlone = ({ lines }: Turn): boolean =>
  lines.join("").replaceAll(imageMark, "").replaceAll(videoMark, "").trim() === "";

const shownLength = 32;

/** The beginning of a line, with what cannot be seen written out. */
function quoted(line: string): string {
  const characters = [...line];
  const beginning = characters.slice(0, shownLength).join("");
  const text = JSON.stringify(characters.length > shownLength ? `${beginning}…` : beginning);
  return text.replace(/[^\P{Zs} ]|[\u00ad\u200b-\u200f\u2060\ufeff]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
