import { DataError, type RowContent, type RowSource } from "../data/index.ts";
import { hasTemplate, type PromptTemplate, promptTemplate, systemPromptOf } from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Rows of one file, as far as they tell how conversations are written. */
export interface WrittenRows {
  readonly file: string;
  readonly content: RowContent;
  /** How many of the file's rows are used. */
  readonly length: number;
  readonly source: Pick<RowSource, "textOf" | "nameOf">;
}

/** How the model that a run makes is asked: as its rows were written. */
export interface RunTemplate {
  readonly template: PromptTemplate;
  /** How the model that it starts from was asked, where the rows are written otherwise. */
  readonly before?: PromptTemplate | undefined;
  /** Files of conversations that are learned as plain text or captions: not with the ids that they are asked with. */
  readonly asText: readonly string[];
}

/** What settles the template beside the rows. */
export interface TemplateOptions {
  readonly tokenizer: Tokenizer;
  /** Whether the run starts from nothing. */
  readonly isFresh: boolean;
  /** The recipe's `system`. */
  readonly system?: string | undefined;
}

/**
 * The template that the run's rows are written with, so that the model is asked with the very ids it was taught with:
 * conversations are cut at their turns, and their first words are the system sentence. Captions and plain texts say
 * nothing about it: then it stays the model's, and that of a fresh model has no system sentence.
 *
 * @throws DataError where the rows do not begin alike and the recipe does not say how they are meant
 */
export function templateOfRows(files: readonly WrittenRows[], options: TemplateOptions): RunTemplate {
  const { tokenizer, isFresh, system } = options;
  const base = promptTemplate(tokenizer);
  const conversations = files.filter(({ content }) => content === "conversation");
  const asText = files.filter((rows) => isTalkAsText(rows, base)).map(({ file }) => file);
  const fresh = isFresh && !hasTemplate(tokenizer);
  if (conversations.length === 0) {
    const unsaid = fresh
      ? { ...base, system: systemPromptOfTexts(files, base), cut: "turns" as const }
      : base;
    return { template: system === undefined ? unsaid : { ...unsaid, system }, asText };
  }
  const found = system ?? commonFirstWords(conversations, base);
  const template: PromptTemplate = { ...base, system: found, cut: "turns" };
  return { template, asText, ...(!fresh && found !== base.system && { before: base }) };
}

/** Whether somebody asks and is answered in every row of a file of texts or captions. */
function isTalkAsText(
  { content, length, source }: WrittenRows,
  { user, assistant }: PromptTemplate,
): boolean {
  if (content === "conversation" || length === 0) return false;
  return Array.from({ length }, (_, row) => `\n${source.textOf(row)}`).every(
    (text) => text.includes(`\n${user}`) && text.includes(`\n${assistant}`),
  );
}

/**
 * A conversation as it is learned: with the recipe's system sentence in front where it has none of its own. Without such
 * a sentence it is learned as it is written.
 */
export function withSystem(text: string, system: string | undefined, template: PromptTemplate): string {
  if (system === undefined || system === "" || systemPromptOf(text, template) !== "") return text;
  return `${system}\n${text}`;
}

function commonFirstWords(files: readonly WrittenRows[], base: PromptTemplate): string {
  const rows = new Map<string, string[]>();
  for (const { length, source } of files) {
    for (let row = 0; row < length; row++) {
      const words = systemPromptOf(source.textOf(row), base);
      if (words === undefined) continue;
      const names = rows.get(words) ?? [];
      names.push(source.nameOf(row));
      rows.set(words, names);
    }
  }
  if (rows.size > 1) throw new DataError(unlike(rows));
  return [...rows.keys()][0] ?? base.system;
}

/** Texts of the language stage that are conversations one and all tell their template as well. */
function systemPromptOfTexts(files: readonly WrittenRows[], base: PromptTemplate): string {
  const words = new Set<string | undefined>();
  for (const { content, length, source } of files) {
    if (content === "text")
      for (let row = 0; row < length; row++) words.add(systemPromptOf(source.textOf(row), base));
  }
  const [first] = words;
  return words.size === 1 && first !== undefined ? first : "";
}

const shown = 4;

function unlike(rows: ReadonlyMap<string, readonly string[]>): string {
  const groups = [...rows].sort(([, a], [, b]) => b.length - a.length);
  const lines = groups.slice(0, shown).map(([words, names]) => {
    const count = `${names.length.toLocaleString("en")} row${names.length === 1 ? "" : "s"}`;
    return `  ${count} with ${describedSystem(words)}, the first ${names[0]}`;
  });
  if (groups.length > shown) lines.push(`  and ${groups.length - shown} more beginnings`);
  return (
    `data: all conversations must begin alike, because the model is asked as it was taught, got\n${lines.join("\n")}\n` +
    'Write them alike, or say in the recipe how the model is asked: system: "the sentence" goes in front of every row that ' +
    'has none (system: "" for none), and rows with another one keep it as a system message of their own.'
  );
}

/** A template's system sentence in a few words. */
export function describedSystem(system: string): string {
  if (system === "") return "no system sentence";
  return JSON.stringify(system.length > 60 ? `${system.slice(0, 59)}…` : system);
}
