import { editDistance, escapeRegExp } from "../platform/index.ts";
import { imageMark, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

type Role = "user" | "assistant";

/** Labels of the two roles in other chat formats; the model's own template adds two. */
const userLabels = ["human", "user"];
const assistantLabels = ["ai assistant", "assistant", "ai", "chatgpt", "gpt", "chatbot", "bot"];
/** Labels that also begin ordinary lines, so that they do not make a mark on their own. */
const ambiguousLabels: ReadonlySet<string> = new Set(["bot", "chatbot"]);

/** Whitespace of every kind, and invisible characters. */
const blank = "[\\s\\u00ad\\u200b-\\u200f\\u2060\\ufeff]";
const colons = ":;\uff1a\uff1b\ufe55\ufe13\ua789\u2236";

/** The marks of other chat formats, at the beginning of a line. */
const foreignFormat =
  /^\s*(<\|(?:im_start|im_end|system|user|assistant|human|start_header_id|eot_id)\|>|\[\/?INST\]|<<SYS>>|<(?:start|end)_of_turn>)/i;

/** The mark of another chat format (`<|im_start|>`) with which a line begins; undefined where there is none. */
export function foreignMarkOf(line: string): string | undefined {
  return foreignFormat.exec(line)?.[1];
}

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
  /** By their words in lower case. */
  readonly labels: ReadonlyMap<string, Label>;
  /** A label with a colon at the beginning of a line, however it is written. */
  readonly atLineStart: RegExp;
}

function readerOf(template: PromptTemplate): Reader {
  const labels = new Map<string, Label>();
  for (const word of userLabels) labels.set(word, { role: "user", own: false });
  for (const word of assistantLabels) labels.set(word, { role: "assistant", own: false });
  for (const role of ["user", "assistant"] as const) {
    const label = labelOf(template[role])?.toLowerCase();
    if (label !== undefined) labels.set(label, { role, own: true });
  }
  const words = [...labels.keys()].toSorted((a, b) => b.length - a.length).map(escapeRegExp);
  const media = [imageMark, videoMark].map(escapeRegExp).join("|");
  const lead = `(?:(?:${blank}*(?:${media}))*${blank}*(?:#{1,6}${blank}*)?(?:[*_[(<|]{1,3}${blank}*)?)`;
  const tail = `(?:${blank}|[*_\\])>|]){0,8}`;
  return {
    template,
    labels,
    atLineStart: new RegExp(`^(${lead})(${words.join("|")})(${tail})([${colons}])(.*)$`, "iu"),
  };
}

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
  const certain = [
    ...found.filter(({ isSure }) => isSure || isExchange),
    ...turns.flatMap((turn, i) => insideLines(turn, turns[i + 1], template)),
  ];
  return [...certain, ...missingTurns(turns, certain, found, reader)]
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
    const format = foreignMarkOf(line);
    if (format !== undefined) {
      const { user, assistant } = reader.template;
      const problem = `${format} is another format's; turns begin with ${JSON.stringify(user)} and ${JSON.stringify(assistant)}`;
      return [{ ...at, problem, isSure: true }];
    }
    const match = reader.atLineStart.exec(withoutLookalikes(line)) ?? misspelt(line, reader);
    return match === null ? [] : [{ ...at, ...judged(match, reader) }];
  });
}

function judged(match: RegExpExecArray, { labels, template }: Reader): Omit<Found, "line" | "shown"> {
  const [, lead, word, tail, colon, after] = match;
  const label = labels.get(word.toLowerCase())!;
  const mark = template[label.role];
  const whose = label.role === "user" ? "a person's turn" : "an answer";
  if (!label.own) {
    const isSure =
      lead.includes("#") || (word !== word.toLowerCase() && !ambiguousLabels.has(word.toLowerCase()));
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

/** Letters of other alphabets that look like those of role marks, and what they look like. */
const lookalikes: Readonly<Record<string, string>> = Object.fromEntries(
  "\u0410A \u0430a \u0391A \u0406I \u0456i \u0399I \u041dH \u0397H \u041cM \u039cM \u0443u \u03c5u \u0421C \u0441c \u0415E \u0435e \u0420P \u0440p \u0422T \u03a4T \u0405S \u0455s"
    .split(" ")
    .map(([letter, usual]) => [letter, usual]),
);

/** The beginning of a line, where a mark would stand, with the letters that it seems to have; wide ones made narrow. */
function withoutLookalikes(line: string): string {
  const beginning = line.slice(0, 64);
  const usual = beginning.replace(/[\p{Script=Cyrillic}\p{Script=Greek}\uff21-\uff5a]/gu, (letter) => {
    return lookalikes[letter] ?? letter.normalize("NFKC");
  });
  return usual + line.slice(64);
}

/** Words that are no slips of the pen for a mark of five letters or more, though they differ in one place. */
const otherWords: ReadonlySet<string> = new Set(["humane", "humana", "humano", "hunan", "huan", "uman"]);

/** A mark of the template's with a slip of the pen in its word, as if it were written well; else null. */
function misspelt(line: string, reader: Reader): RegExpExecArray | null {
  const [, word, rest] = /^(\p{L}{4,20})(\s*[:\uff1a].*)$/u.exec(line) ?? [];
  if (word === undefined || otherWords.has(word.toLowerCase())) return null;
  for (const [label, { own }] of reader.labels) {
    if (!own || label.length < 5 || !isSlip(word.toLowerCase(), label)) continue;
    const match = reader.atLineStart.exec(label + rest);
    if (match !== null) return match;
  }
  return null;
}

/** Whether one letter is left out, doubled or another, or two neighbours have changed places. A plural is another word. */
function isSlip(word: string, label: string): boolean {
  if (word === `${label}s`) return false;
  const turned = [...label.slice(1)].map((_, i) => {
    return label.slice(0, i) + label[i + 1] + label[i] + label.slice(i + 2);
  });
  return turned.includes(word) || editDistance([...word], [...label]) === 1;
}

/** Numbers of the lines between two fences of one turn. */
export function linesInFences(lines: readonly string[]): Set<number> {
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
  const escaped = new RegExp(
    `(?:\\\\[nr]|<br ?/?>|[\\v\\f\\u0085\\u2028\\u2029])${blank}*(${labelled(template)})`,
    "i",
  );
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
  [user, assistant].map((mark) => escapeRegExp(mark.trimEnd())).join("|");

/** Answers one behind the other, and words of the other side in what a person says twice: a turn between them was not seen. */
function missingTurns(
  turns: readonly Turn[],
  certain: readonly Found[],
  weak: readonly Found[],
  { template }: Reader,
): Found[] {
  return turns.flatMap((turn, i): Found[] => {
    const next = turns[i + 1];
    if (turn.role === undefined || next?.role !== turn.role) return [];
    const isInside = ({ line }: Found): boolean => line >= turn.first && line < next.first;
    if (certain.some(isInside)) return [];
    if (turn.role === "user") {
      return isMediaAlone(next) ? [] : weak.filter((one) => isInside(one) && one.label?.role === "assistant");
    }
    const problem = `an answer behind an answer; a person's turn between them must begin with ${JSON.stringify(template.user)}`;
    return [{ line: next.first, shown: template.assistant + next.lines[0], problem, isSure: true }];
  });
}

/** A turn of the other side that begins inside a line: without it this turn has no counterpart. */
function swallowedTurn(
  { role, first, lines }: Turn,
  next: Turn | undefined,
  template: PromptTemplate,
): Found | undefined {
  if (role === undefined) return undefined;
  const other = role === "user" ? "assistant" : "user";
  const mark = template[other];
  const begins = new RegExp(`(?<=[\\p{L}\\p{N}]\\s+|[.!?…,;)]\\s*)${escapeRegExp(mark)}`, "u");
  const i = lines.findIndex((line) => begins.test(line));
  if (i < 0) return undefined;
  const rest = lines[i].slice(lines[i].search(begins));
  const answered = role === "assistant" && new RegExp(`\\s${escapeRegExp(template.assistant)}`).test(rest);
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
