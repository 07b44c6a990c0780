import { TemplateError } from "../jinja/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, chatTemplateOf, type TemplateMessage } from "./chat-template.ts";

/** What a chat template does with what it is given, found by asking it. */
export interface TemplateAbilities {
  /** What it writes for an image part of a message; undefined: it knows only texts, or passes pictures over. */
  readonly picture: string | undefined;
  /** What it writes between a question and its answer, where that is words which a person could write as well. */
  readonly words: readonly string[];
}

// Three texts that no message has; a template does not change them.
const [first, second, third] = ["\ud810", "\ud811", "\ud812"];

/** What a model's chat template writes for a picture; undefined where it knows none, and where there is no template. */
export function pictureOfTemplate(tokenizer: Tokenizer): string | undefined {
  const template = chatTemplateOf(tokenizer);
  return template && abilitiesOf(template, tokenizer).picture;
}

/** Finds out what a template does with lists of parts, and how it marks turns. */
export function abilitiesOf(
  template: ChatTemplate,
  tokenizer: Pick<Tokenizer, "controlForms">,
): TemplateAbilities {
  return { picture: pictureOf(template), words: plainMarks(template, tokenizer) };
}

function attempt(template: ChatTemplate, messages: readonly TemplateMessage[]): string | undefined {
  try {
    return template.render(messages, { add_generation_prompt: true }).text;
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

function between(text: string | undefined, before: string, behind: string): string | undefined {
  const [start, end] = [text?.indexOf(before) ?? -1, text?.indexOf(behind) ?? -1];
  return start < 0 || end < start ? undefined : text!.slice(start + before.length, end);
}

function pictureOf(template: ChatTemplate): string | undefined {
  const [head, tail] = [first, second].map((text) => ({ type: "text", text }));
  const written = (content: readonly object[]): string | undefined =>
    between(attempt(template, [{ role: "user", content }]), first, second);
  const plain = written([head, tail]);
  const shown = written([head, { type: "image" }, tail]);
  if (plain === undefined || shown === undefined || plain === shown) return undefined;
  let [start, end] = [0, 0];
  while (start < plain.length && plain[start] === shown[start]) start++;
  while (end < plain.length - start && plain.at(-1 - end) === shown.at(-1 - end)) end++;
  const picture = shown.slice(start, shown.length - end);
  return picture.trim() === "" ? undefined : picture;
}

function plainMarks(template: ChatTemplate, tokenizer: Pick<Tokenizer, "controlForms">): string[] {
  const text = attempt(template, [
    { role: "user", content: first },
    { role: "assistant", content: second },
    { role: "user", content: third },
  ]);
  const marks = [between(text, first, second), between(text, second, third)].flatMap((mark) => {
    const isPlain = mark !== undefined && !tokenizer.controlForms(mark).some(({ isWhole }) => isWhole);
    return isPlain && mark.trim().length > 1 ? [mark.trim()] : [];
  });
  return [...new Set(marks)];
}
