import {
  chatTemplateOf,
  hasTemplate,
  type PromptTemplate,
  pictureOfTemplate,
  promptTemplate,
  systemPromptFor,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Stands for one position of a picture in a text, and for a picture in a chat template. */
export const pictureToken = "<image>";

/** Where a text is cut before it becomes ids: a character of private use that no tokenizer keeps. */
export const cutMark = "\ue000";

/** A template of Jinja's that writes what a model was taught. */
export interface WrittenTemplate {
  /** The template, or several by name. */
  readonly template: string | readonly { readonly name: string; readonly template: string }[];
  /** Whether its text holds {@link cutMark}. */
  readonly cuts: boolean;
}

/** A text as a literal of Jinja's. */
const literal = (text: string): string => JSON.stringify(text);

/**
 * A model's conversations as a chat template, for programs that know nothing else: the one of its publisher, or that by
 * which it was trained here. LlavaProcessor repeats the first `<image>` of a text alone, so that further pictures are
 * written out.
 *
 * @param positions of a picture
 */
export function writtenTemplate(tokenizer: Tokenizer, positions: number): WrittenTemplate {
  if (chatTemplateOf(tokenizer) === undefined) {
    const template = promptTemplate(tokenizer);
    const cuts = template.cut === "turns";
    return { template: whole(ownBody(template, tokenizer), pictureToken, positions), cuts };
  }
  const { chat_template: given } = tokenizer.configuration;
  const picture = pictureOfTemplate(tokenizer);
  const wrapped = (source: string): string =>
    preparedMessages(picture !== undefined, systemPromptFor(tokenizer)) +
    whole(source, picture ?? pictureToken, positions);
  const named = given as string | { name: string; template: string }[];
  if (typeof named === "string") return { template: wrapped(named), cuts: false };
  return {
    template: named.map(({ name, template }) => ({ name, template: wrapped(template) })),
    cuts: false,
  };
}

/** How a language model's conversations are written as text alone. */
export interface TextTemplate {
  /** A template of Jinja's, or several by name; undefined: nothing is said. */
  readonly template: WrittenTemplate["template"] | undefined;
  /** What of it no template says; empty: nothing. */
  readonly leftOut: readonly string[];
}

/**
 * A model's conversations of texts as a chat template, for programs that turn what it writes into ids as a whole and put the
 * first token in front themselves. No such template says where a text is cut before it becomes ids.
 *
 * @param isOwl without a template of its own an owl is asked as the published ones; a language model alone has none
 */
export function textTemplate(tokenizer: Tokenizer, isOwl: boolean): TextTemplate {
  const { chat_template: given } = tokenizer.configuration;
  const isPublished = (given ?? undefined) === undefined && isOwl;
  if (hasTemplate(tokenizer) || isPublished) {
    const template = promptTemplate(tokenizer);
    if (template.cut === "pictures") return { template: ownBody(template, tokenizer, ""), leftOut: [] };
    return { template: undefined, leftOut: [cutTemplate(template)] };
  }
  if (chatTemplateOf(tokenizer) === undefined) return { template: undefined, leftOut: [] };
  const words = preparedMessages(true, systemPromptFor(tokenizer));
  const named = given as string | { name: string; template: string }[];
  const template =
    typeof named === "string"
      ? words + named
      : named.map((one) => ({ name: one.name, template: words + one.template }));
  return { template, leftOut: [] };
}

function cutTemplate({ system, user, assistant }: PromptTemplate): string {
  const first = system === "" ? "" : `the line ${JSON.stringify(system)}, then `;
  return `no chat template says how the model was taught, with texts cut at turns before they become ids: ask it by ${first}lines that begin with ${JSON.stringify(user)} and ${JSON.stringify(assistant)}, each answer ended by its end token; llama.cpp may make other ids of them`;
}

/** A body whose pictures become the processor's. */
function whole(body: string, picture: string, positions: number): string {
  const further = pictureToken.repeat(positions);
  return (
    `{% set owl_written %}${body}{% endset %}` +
    `{%- for part in owl_written.split(${literal(picture)}) -%}` +
    `{%- if loop.index0 == 1 -%}{{ ${literal(pictureToken)} }}{%- elif loop.index0 > 1 -%}{{ ${literal(further)} }}{%- endif -%}` +
    "{{ part }}{%- endfor -%}"
  );
}

/** Texts and pictures as lines, where a template knows only texts; the words in front, where a model was taught with some. */
function preparedMessages(showsPictures: boolean, words: string): string {
  if (showsPictures && words === "") return "";
  const own = "{%- set owl = namespace(messages=[], text='') -%}";
  const system =
    words === ""
      ? ""
      : `{%- if messages[0].role != 'system' -%}{%- set owl.messages = [{'role': 'system', 'content': ${literal(words)}}] -%}{%- endif -%}`;
  const kept = "{%- set owl.messages = owl.messages + [message] -%}";
  const flat =
    "{%- if message.content is string -%}" +
    kept +
    "{%- else -%}{%- set owl.text = '' -%}{%- for part in message.content -%}{%- if not loop.first -%}{%- set owl.text = owl.text + '\\n' -%}{%- endif -%}" +
    `{%- set owl.text = owl.text + (${literal(pictureToken)} if part.type == 'image' else part.text) -%}{%- endfor -%}` +
    "{%- set owl.messages = owl.messages + [{'role': message.role, 'content': owl.text}] -%}{%- endif -%}";
  const loop = `{%- for message in messages -%}${showsPictures ? kept : flat}{%- endfor -%}`;
  return `${own}${system}${loop}{%- set messages = owl.messages -%}`;
}

/**
 * The lines of a {@link PromptTemplate}.
 *
 * @param begin what every text begins with
 */
function ownBody(
  { system, user, assistant, cut }: PromptTemplate,
  tokenizer: Tokenizer,
  begin = tokenizer.start.length === 0 ? "" : tokenizer.decode(tokenizer.start),
): string {
  const cuts = cut === "turns";
  const end = cuts ? tokenizer.decode([tokenizer.eosId]) : "";
  const mark = cuts ? cutMark + (addsSpace(tokenizer) ? " " : "") : "";
  const add = (...values: string[]): string => `{%- set owl.text = owl.text + ${values.join(" + ")} -%}`;
  const started = "{%- set owl.first = false -%}";
  const asked = `{%- if owl.first -%}${add(literal(user))}{%- else -%}${add(literal(`${mark}\n${user}`))}{%- endif -%}`;
  const askedText =
    `{%- if owl.first -%}${add(literal(user), "owl.said")}{%- else -%}` +
    `${add(literal(`${mark}\n${user}${mark}`), "owl.said")}{%- endif -%}${started}`;
  // Neighbouring texts are one.
  const spoken = `{%- if owl.open -%}${askedText}{%- set owl.open = false -%}{%- endif -%}`;
  const text =
    "{%- set owl.said = (owl.said + '\\n' + part.text) if owl.open else part.text -%}{%- set owl.open = true -%}";
  const shown = `${spoken}${asked}${add(literal(pictureToken))}${started}`;
  const words =
    "{%- if message.content is string -%}{%- set owl.said = message.content -%}{%- else -%}{%- set owl.said = '' -%}" +
    "{%- for part in message.content -%}{%- set owl.said = owl.said + ('' if loop.first else '\\n') + part.text -%}{%- endfor -%}{%- endif -%}";
  return [
    "{%- set owl = namespace(text='', said='', open=false, first=true, told=false, system='') -%}",
    "{%- for message in messages -%}{%- if message.role == 'system' -%}",
    words,
    "{%- if owl.said != '' -%}{%- set owl.system = owl.system + ('' if owl.system == '' else '\\n') + owl.said -%}{%- endif -%}{%- set owl.told = true -%}",
    "{%- endif -%}{%- endfor -%}",
    `{%- if not owl.told -%}{%- set owl.system = ${literal(system)} -%}{%- endif -%}`,
    "{%- set owl.text = owl.system -%}{%- set owl.first = owl.system == '' -%}",
    "{%- for message in messages -%}{%- if message.role == 'user' -%}",
    `{%- if message.content is string -%}{%- set owl.said = message.content -%}${askedText}{%- else -%}`,
    `{%- for part in message.content -%}{%- if part.type == 'image' -%}${shown}{%- else -%}${text}{%- endif -%}{%- endfor -%}${spoken}`,
    "{%- endif -%}{%- elif message.role == 'assistant' -%}",
    words,
    add(
      `('' if owl.first else ${literal("\n")})`,
      literal(mark + assistant + mark),
      "owl.said",
      literal(end),
    ),
    started,
    "{%- endif -%}{%- endfor -%}",
    `{%- if add_generation_prompt -%}${add(`('' if owl.first else ${literal("\n")})`, literal(mark + assistant))}{%- endif -%}`,
    `{{ ${literal(begin)} + ${withoutMarks("owl.text", mark, [pictureToken, end])} }}`,
  ].join("");
}

/** Behind a special token a text begins anew, so that nothing is cut there. */
function withoutMarks(text: string, mark: string, tokens: readonly string[]): string {
  if (mark === "") return text;
  const cut = tokens.map((token) => ` | replace(${literal(token + mark)}, ${literal(token)})`);
  return `(${text}${cut.join("")})`;
}

/** Whether a tokenizer puts a space in front of each text that it is given. */
function addsSpace({ json }: Tokenizer): boolean {
  return /"type":"Prepend"/.test(JSON.stringify(json.normalizer ?? {}));
}

/** Whether a model was trained here with a template of its own; its publisher's is passed over then. */
export const isTaughtHere = hasTemplate;
