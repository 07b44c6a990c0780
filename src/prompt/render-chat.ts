import { TemplateError } from "../jinja/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { chatTemplateOf, type TemplateMessage, type TemplateVariables } from "./chat-template.ts";
import { PromptError } from "./error.ts";

/** How messages are rendered: what the template is told beside them, and `continue_final_message` as transformers has it. */
export interface RenderChatOptions {
  readonly variables?: TemplateVariables | undefined;
  /** The time that `strftime_now` tells. Default: now. */
  readonly now?: Date | undefined;
}

/** Behind the words that are to be continued; its space shows whether a template trims. */
const tag = "CONTINUE_FINAL_MESSAGE_TAG ";

/**
 * Messages as the model's chat template writes them, to the letter: the text of transformers' `apply_chat_template`. Special
 * tokens in what messages say are not guarded here; `encodeConversation` makes prompts.
 *
 * @throws PromptError where the model has no chat template; TemplateError where the template refuses the messages
 */
export function renderChat(
  messages: readonly TemplateMessage[],
  tokenizer: Pick<Tokenizer, "configuration">,
  { variables = {}, now }: RenderChatOptions = {},
): string {
  const template = chatTemplateOf(tokenizer);
  if (template === undefined) {
    throw new PromptError(
      "chat_template: must be in chat_template.jinja or tokenizer_config.json, got none (or prompt_template, which wins)",
    );
  }
  const { continue_final_message: continues = false, ...rest } = variables;
  requireTools(rest.tools);
  if (continues === false) return template.render(messages, rest, now).text;
  if (rest.add_generation_prompt === true) {
    throw new TemplateError(
      "continue_final_message must not be given beside add_generation_prompt, which begins a new message",
    );
  }
  const key = typeof continues === "string" ? continues : "content";
  return untilTag(template.render(withTag(messages, key), rest, now).text);
}

function requireTools(tools: unknown): void {
  const isDictionary = (one: unknown): boolean =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  if (tools === undefined || tools === null || (Array.isArray(tools) && tools.every(isDictionary))) return;
  throw new TemplateError("tools must be a list of JSON schemas");
}

function withTag(messages: readonly TemplateMessage[], key: string): TemplateMessage[] {
  const last = messages.at(-1);
  const said = last?.[key];
  if (typeof said === "string") return [...messages.slice(0, -1), { ...last, [key]: said + tag }];
  const at = Array.isArray(said) ? said.findLastIndex((part) => typeof Object(part).text === "string") : -1;
  if (!Array.isArray(said) || at < 0) {
    throw new TemplateError(`the last message must have a text in "${key}" that is continued, got none`);
  }
  const parts = said.map((part, i) => (i === at ? { ...part, text: part.text + tag } : part));
  return [...messages.slice(0, -1), { ...last, [key]: parts }];
}

function untilTag(text: string): string {
  const at = text.lastIndexOf(tag.trimEnd());
  if (at < 0)
    throw new TemplateError("the template must write the last message, which is continued, got none of it");
  return text.startsWith(tag, at) ? text.slice(0, at) : text.slice(0, at).trimEnd();
}
