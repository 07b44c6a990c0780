import { DataError, type RowContent, type RowSource } from "../data/index.ts";
import {
  chatTemplateOf,
  hasTemplate,
  type PromptTemplate,
  promptTemplate,
  type RowText,
  systemPromptFor,
  systemPromptOf,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Rows of one file, from which the prompt template is derived. */
export interface WrittenRows {
  readonly file: string;
  readonly content: RowContent;
  /** Number of rows that are used. */
  readonly length: number;
  readonly source: Pick<RowSource, "textOf" | "nameOf">;
}

/** The prompt template that a run gives its model: the one its rows are written in. */
export interface RunTemplate {
  /** Of a model with a chat template it says how rows are read, and the words in front of conversations. */
  readonly template: PromptTemplate;
  /** Whether rows are written, and the model asked, by the chat template of the base model. */
  readonly byChatTemplate?: boolean;
  /** The base model's template, where it is another. */
  readonly baseTemplate?: PromptTemplate | undefined;
  /** Files of conversations that are learned as plain text or captions, so not with the tokens of a prompt. */
  readonly asText: readonly string[];
}

/** What decides about the template beside the rows. */
export interface TemplateOptions {
  readonly tokenizer: Tokenizer;
  /** Whether the base model is fresh. */
  readonly isFresh: boolean;
  /** The recipe's `system`. */
  readonly system?: string | undefined;
}

/**
 * The prompt template that the run's rows are written in, so that prompts have the same tokens as the rows: conversations are split
 * at their turns, and what stands before the first turn is the system prompt. Captions and plain texts have no template: then it
 * stays the base model's, and a fresh model's has no system prompt.
 *
 * @throws DataError where conversations begin with different system prompts and the recipe gives none
 */
export function templateOfRows(files: readonly WrittenRows[], options: TemplateOptions): RunTemplate {
  const { tokenizer, isFresh, system } = options;
  const byChatTemplate = chatTemplateOf(tokenizer) !== undefined;
  const own = promptTemplate(tokenizer);
  const base = byChatTemplate ? { ...own, system: systemPromptFor(tokenizer), cut: "turns" as const } : own;
  const conversations = files.filter(({ content }) => content === "conversation");
  const asText = files.filter((rows) => isConversation(rows, base)).map(({ file }) => file);
  const fresh = isFresh && !hasTemplate(tokenizer) && !byChatTemplate;
  const written = byChatTemplate ? { byChatTemplate } : {};
  if (conversations.length === 0) {
    const unsaid = fresh
      ? { ...base, system: systemPromptOfTexts(files, base), cut: "turns" as const }
      : base;
    return { template: system === undefined ? unsaid : { ...unsaid, system }, asText, ...written };
  }
  const found = system ?? commonSystemPrompt(conversations, base);
  const template: PromptTemplate = { ...base, system: found, cut: "turns" };
  return { template, asText, ...written, ...(!fresh && found !== base.system && { baseTemplate: base }) };
}

/** Whether every row of a file of texts or captions is a conversation. */
function isConversation(
  { content, length, source }: WrittenRows,
  { user, assistant }: PromptTemplate,
): boolean {
  if (content === "conversation" || length === 0) return false;
  return Array.from({ length }, (_, row) => source.textOf(row)).every(
    (text) =>
      typeof text === "string" && `\n${text}`.includes(`\n${user}`) && `\n${text}`.includes(`\n${assistant}`),
  );
}

/** A conversation with the recipe's system prompt in front, where it has none and the recipe gives one. */
export function withSystem(text: RowText, system: string | undefined, template: PromptTemplate): RowText {
  if (system === undefined || system === "" || systemPromptOf(text, template) !== "") return text;
  return typeof text === "string" ? `${system}\n${text}` : [{ role: "system", content: system }, ...text];
}

function commonSystemPrompt(files: readonly WrittenRows[], base: PromptTemplate): string {
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
  if (rows.size > 1) throw new DataError(differentSystemPrompts(rows));
  return [...rows.keys()][0] ?? base.system;
}

/** The system prompt of plain texts that are all conversations and begin with the same one; "" of others. */
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

function differentSystemPrompts(rows: ReadonlyMap<string, readonly string[]>): string {
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

/** A template's system prompt in a few words. */
export function describedSystem(system: string): string {
  if (system === "") return "no system sentence";
  return JSON.stringify(system.length > 60 ? `${system.slice(0, 59)}…` : system);
}
