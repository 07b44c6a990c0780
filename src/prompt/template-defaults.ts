import { modelFiles } from "../model-files/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { TemplateVariables } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { withSettings } from "./template.ts";

/** What a template is always given, so that no default counts. */
const given = ["messages", "tools", "documents", "add_generation_prompt"];

/**
 * The chat templates of a tokenizer's directory with values for variables that a caller leaves out: how a model is asked that was
 * taught with them. They stand in the templates themselves, so that every program that renders these knows them.
 *
 * @returns content of `chat_template` in tokenizer_config.json: a text, or a list of them with their names
 * @throws PromptError where there is no chat template, none of them reads a variable, or Jinja has no literal of a value
 */
export function withTemplateDefaults(
  { configuration }: Pick<Tokenizer, "configuration">,
  variables: TemplateVariables,
): unknown {
  const { chat_template: template, prompt_template: own } = configuration;
  if (template === undefined || template === null || own !== undefined) {
    throw new PromptError("must be for a model with a chat template, got one that has none");
  }
  const named = Array.isArray(template) ? template : [{ template }];
  const sources = named.map((one) => String(Object(one).template));
  for (const name of Object.keys(variables)) requireRead(name, sources);
  const changed = named.map((one) => ({
    ...Object(one),
    template: defaultsOf(variables, String(Object(one).template)),
  }));
  return Array.isArray(template) ? changed : changed[0].template;
}

/** A model directory's tokenizer files, by name, with these chat templates. */
export function withChatTemplate(
  files: Readonly<Record<string, Uint8Array>>,
  template: unknown,
): Record<string, Uint8Array> {
  const { [modelFiles.chatTemplate]: _, [modelFiles.toolTemplate]: __, ...rest } = files;
  return withSettings(rest, { chat_template: template });
}

function requireRead(name: string, sources: readonly string[]): void {
  const isRead =
    /^[a-z_]\w*$/i.test(name) && sources.some((source) => new RegExp(`\\b${name}\\b`).test(source));
  if (isRead && !given.includes(name)) return;
  throw new PromptError(`must name variables that the model's chat template reads, got ${name}`);
}

function defaultsOf(variables: TemplateVariables, source: string): string {
  const lines = Object.entries(variables).map(
    ([name, value]) =>
      `{% if ${name} is not defined %}{% set ${name} = ${literal(value, name)} %}{% endif %}`,
  );
  // A line end behind a block is dropped, one behind an expression is not.
  return `${lines.join("")}${/^[\r\n]/.test(source) ? "{{ '' }}" : ""}${source}`;
}

/** A value of JSON as Jinja writes it. */
function literal(value: unknown, name: string): string {
  if (value === null) return "none";
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, name)).join(", ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).map(([key, one]) => `${literal(key, name)}: ${literal(one, name)}`);
    return `{${entries.join(", ")}}`;
  }
  const text = JSON.stringify(value) ?? "";
  const isWritable =
    typeof value === "string" ? !/\\u/.test(text) : /^(true|false|-?\d+(\.\d+)?)$/.test(text);
  if (isWritable) return text;
  throw new PromptError(`must have values that a template can hold, got ${name}: ${text}`);
}
