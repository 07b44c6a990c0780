import { DataError, type RowContent } from "../data/index.ts";
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
import { type Beginning, mostBeginnings, type WritingFacts } from "./row-writing.ts";

/** Rows of one file, from which the prompt template is derived. */
export interface WrittenRows {
  readonly file: string;
  readonly content: RowContent;
  readonly writing: WritingFacts;
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
  const isConversation = ({ content, writing: { rows, withTurns } }: WrittenRows): boolean =>
    content !== "conversation" && rows > 0 && withTurns === rows;
  const asText = files.filter(isConversation).map(({ file }) => file);
  const fresh = isFresh && !hasTemplate(tokenizer) && !byChatTemplate;
  const written = byChatTemplate ? { byChatTemplate } : {};
  if (conversations.length === 0) {
    const unsaid = fresh ? { ...base, system: systemPromptOfTexts(files), cut: "turns" as const } : base;
    return { template: system === undefined ? unsaid : { ...unsaid, system }, asText, ...written };
  }
  const found = system ?? commonSystemPrompt(conversations, base);
  const template: PromptTemplate = { ...base, system: found, cut: "turns" };
  return { template, asText, ...written, ...(!fresh && found !== base.system && { baseTemplate: base }) };
}

/** A conversation with the recipe's system prompt in front, where it has none and the recipe gives one. */
export function withSystem(text: RowText, system: string | undefined, template: PromptTemplate): RowText {
  if (system === undefined || system === "" || systemPromptOf(text, template) !== "") return text;
  return typeof text === "string" ? `${system}\n${text}` : [{ role: "system", content: system }, ...text];
}

function commonSystemPrompt(files: readonly WrittenRows[], base: PromptTemplate): string {
  const beginnings = new Map<string, Beginning>();
  for (const { writing } of files) {
    for (const { words, count, first } of writing.beginnings) {
      const known = beginnings.get(words);
      beginnings.set(words, { words, count: (known?.count ?? 0) + count, first: known?.first ?? first });
    }
  }
  if (beginnings.size > 1) throw new DataError(differentSystemPrompts([...beginnings.values()]));
  return [...beginnings.keys()][0] ?? base.system;
}

/** The system prompt of plain texts that are all conversations and begin with the same one; "" of others. */
function systemPromptOfTexts(files: readonly WrittenRows[]): string {
  const texts = files.filter(({ content }) => content === "text").map(({ writing }) => writing);
  const words = new Set(texts.flatMap(({ beginnings }) => beginnings.map((beginning) => beginning.words)));
  const [first] = words;
  return words.size === 1 && texts.every(({ withoutTurns }) => withoutTurns === 0) ? first : "";
}

const shown = 4;

function differentSystemPrompts(beginnings: readonly Beginning[]): string {
  const groups = beginnings.toSorted((a, b) => b.count - a.count);
  const lines = groups.slice(0, shown).map((group) => `  ${describedBeginning(group)}`);
  const more = groups.length - shown;
  if (more > 0)
    lines.push(`  and ${groups.length < mostBeginnings ? more : `at least ${more}`} more beginnings`);
  return (
    `data: all conversations must begin alike, because the model is asked as it was taught, got\n${lines.join("\n")}\n` +
    'Write them alike, or say in the recipe how the model is asked: system: "the sentence" goes in front of every row that ' +
    'has none (system: "" for none), and rows with another one keep it as a system message of their own.'
  );
}

/** How many rows begin so, and the first of them. */
export function describedBeginning({ words, count, first }: Beginning): string {
  const rows = `${count.toLocaleString("en")} row${count === 1 ? "" : "s"}`;
  return `${rows} with ${describedSystem(words)}, the first ${first}`;
}

/** A template's system prompt in a few words. */
export function describedSystem(system: string): string {
  if (system === "") return "no system sentence";
  return JSON.stringify(system.length > 60 ? `${system.slice(0, 59)}…` : system);
}
