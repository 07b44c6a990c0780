import { type Rendered, readTemplate, type Template, TemplateError } from "../jinja/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { type Tokenizer, type TokenizerConfiguration, tokenContentOf } from "../tokenizer/index.ts";
import { PromptError } from "./error.ts";

/** A message as a chat template takes it: the published fields, and whatever else a template knows. */
export type TemplateMessage = Readonly<Record<string, unknown>>;

/** What a chat template is given beside the messages: `add_generation_prompt`, `tools`, `enable_thinking` and whatever it knows. */
export type TemplateVariables = Readonly<Record<string, unknown>>;

/** How a model's publisher writes conversations: a template of Jinja's, with the special tokens that it may name. */
export interface ChatTemplate {
  readonly hasGeneration: boolean;
  /** @throws TemplateError */
  render(messages: readonly TemplateMessage[], variables?: TemplateVariables, now?: Date): Rendered;
}

const known = new WeakMap<TokenizerConfiguration, ChatTemplate>();

/**
 * The chat template of a tokenizer's directory: `chat_template.jinja`, else the key `chat_template` of tokenizer_config.json.
 * Undefined where there is none, and where a training run wrote `prompt_template`, which is how that model was taught.
 *
 * @throws PromptError where there are several and none is the default
 */
export function chatTemplateOf({
  configuration,
}: Pick<Tokenizer, "configuration">): ChatTemplate | undefined {
  const { chat_template: given, prompt_template: own } = configuration;
  if (given === undefined || given === null || own !== undefined) return undefined;
  const found = known.get(configuration) ?? chatTemplate(sourcesOf(given), specialTokens(configuration));
  known.set(configuration, found);
  return found;
}

/** Templates by name. */
function sourcesOf(given: unknown): ReadonlyMap<string, string> {
  if (typeof given === "string") return new Map([["default", given]]);
  const isNamed = (one: unknown): one is { name: string; template: string } =>
    typeof Object(one).name === "string" && typeof Object(one).template === "string";
  if (Array.isArray(given) && given.every(isNamed)) {
    return new Map(given.map(({ name, template }) => [name, template]));
  }
  throw new PromptError(
    "tokenizer_config.json: chat_template must be a text or a list of { name, template }, got something else",
  );
}

function chatTemplate(sources: ReadonlyMap<string, string>, special: TemplateVariables): ChatTemplate {
  const read = new Map<string, Template>();
  const templateFor = (tools: unknown): Template => {
    const name = tools !== null && sources.has("tool_use") ? "tool_use" : "default";
    const source = sources.get(name);
    if (source === undefined) {
      throw new TemplateError(
        `one of its templates must be called "default", got ${[...sources.keys()].join(", ")}`,
      );
    }
    const template = read.get(name) ?? readTemplate(source);
    read.set(name, template);
    return template;
  };
  return {
    get hasGeneration() {
      return templateFor(null).hasGeneration;
    },
    render(messages, variables = {}, now = undefined) {
      if (messages.length === 0) throw new TemplateError("there must be a message, got none");
      const tools = variables.tools ?? null;
      const defaults = { tools: null, documents: null, add_generation_prompt: false };
      return templateFor(tools).render({ ...defaults, ...special, ...variables, tools, messages }, { now });
    },
  };
}

/** The special tokens that are set, by their names: `bos_token` and so on, and those of `extra_special_tokens`. */
function specialTokens(configuration: TokenizerConfiguration): TemplateVariables {
  const more: unknown = configuration.extra_special_tokens;
  const named = Array.isArray(more) ? {} : Object(more);
  const entries = Object.entries({ ...configuration, ...named }).flatMap(([key, value]) => {
    const content = key.endsWith("_token") ? tokenContentOf(value) : undefined;
    return content === undefined ? [] : [[key, content] as const];
  });
  return Object.fromEntries(entries);
}

/** An error of a template for the person whose messages it refused; others as they are. */
export function refusal(error: unknown, where = "messages"): unknown {
  if (!(error instanceof TemplateError)) return error;
  const said = error.isRaised
    ? `the model's chat template refuses them: ${error.message}`
    : error.isUnread
      ? `the model's chat template must be Jinja that is read here, got an error of it: ${error.message}; write that part of it in other words, in a ${modelFiles.chatTemplate} beside the model, which is read in its place`
      : `the model's chat template must be able to write them, got an error of it: ${error.message}`;
  return new PromptError(`${where}: ${said}`, { cause: error });
}
