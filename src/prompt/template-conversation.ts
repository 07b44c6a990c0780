import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, refusal, type TemplateMessage, type TemplateVariables } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { type Line, linesOf, type MediaReference, type Message } from "./message.ts";
import type { Piece } from "./pieces.ts";
import { abilitiesOf, type TemplateAbilities } from "./template-abilities.ts";
import { guarded, markOf, mediaKinds, piecesOf, withoutMarks } from "./template-marks.ts";

/** How messages are given to a template. */
export interface TemplateOptions {
  readonly variables?: TemplateVariables | undefined;
  readonly framesPerVideo?: number | undefined;
}

/** Messages as they are given to a template, with marks in their texts. */
export interface PreparedMessages<Image, Video> {
  readonly messages: readonly TemplateMessage[];
  readonly media: readonly MediaReference<Image, Video>[];
  readonly abilities: TemplateAbilities;
}

const known = new WeakMap<ChatTemplate, TemplateAbilities>();

/**
 * A conversation, to be answered, as the model's own chat template writes it. A picture stands where the template puts an
 * image part, else at the place that its message gives it. What messages say stays text: in them neither special tokens nor
 * role marks nor what stands for a picture count; only in an assistant's words does the template find what it looks for
 * itself (thoughts between `<think>` and `</think>`).
 *
 * @throws PromptError with the template's own words where it refuses the messages
 */
export function writeByTemplate<Image, Video>(
  conversation: readonly Message<Image, Video>[],
  template: ChatTemplate,
  tokenizer: Tokenizer,
  options: TemplateOptions,
): { readonly pieces: Piece[]; readonly media: readonly MediaReference<Image, Video>[] } {
  const variables = { ...options.variables, add_generation_prompt: true };
  try {
    const render = (messages: readonly TemplateMessage[]): string =>
      template.render(messages, variables).text;
    const { messages, media, abilities } = prepared(conversation, {
      template,
      tokenizer,
      ...options,
      render,
    });
    const pieces = piecesOf(render(messages), abilities.picture);
    requireAllMedia(pieces, media, "messages");
    return { pieces, media };
  } catch (error) {
    throw refusal(error);
  }
}

/** @throws PromptError where a template left pictures out or wrote them more than once */
export function requireAllMedia(
  pieces: readonly Piece[],
  media: readonly MediaReference<unknown, unknown>[],
  where: string,
): void {
  const found = mediaKinds(pieces);
  const wanted = media.map(({ type }) => (type === "video" ? "video" : "image"));
  if (found.join() === wanted.join()) return;
  throw new PromptError(
    `${where}: the model's chat template must write each of the ${wanted.length} pictures and videos once, in order, got ${found.length} of them`,
  );
}

/** What preparing messages needs to know. */
export interface Preparation extends TemplateOptions {
  readonly template: ChatTemplate;
  readonly tokenizer: Tokenizer;
  /** How the messages will be rendered. */
  readonly render: (messages: readonly TemplateMessage[]) => string;
}

/** Messages for a template: texts with marks, pictures as the template takes them. @throws TemplateError */
export function prepared<Image, Video>(
  conversation: readonly Message<Image, Video>[],
  { template, tokenizer, framesPerVideo, render }: Preparation,
): PreparedMessages<Image, Video> {
  const abilities = known.get(template) ?? abilitiesOf(template, tokenizer);
  known.set(template, abilities);
  const { picture, words } = abilities;
  const pictures = picture === undefined ? [] : [picture];
  const lines = conversation.map((message) => linesOf([message], (text) => text, framesPerVideo));
  const written = (reads?: ReadonlySet<string>): TemplateMessage[] =>
    conversation.map(({ role }, i) => {
      const own = role === "assistant" ? reads : undefined;
      const guard = (text: string): string => guarded(text, { tokenizer, words, pictures }, own);
      return { role, content: contentOf(lines[i], guard, picture) };
    });
  const media = lines.flat().flatMap((line) => ("media" in line ? [line.media] : []));
  const forms = formsOf(conversation, tokenizer);
  if (forms.size === 0) return { messages: written(), media, abilities };
  return { messages: written(formsRead(written, forms, render)), media, abilities };
}

/** Control forms in what assistants said. */
function formsOf(conversation: readonly Message<unknown, unknown>[], tokenizer: Tokenizer): Set<string> {
  const said = conversation.flatMap(({ role, content }) => {
    if (role !== "assistant") return [];
    return typeof content === "string"
      ? [content]
      : content.map((part) => (part.type === "text" ? part.text : ""));
  });
  const found = said.flatMap((text) => tokenizer.controlForms(text)).filter(({ isWhole }) => isWhole);
  return new Set(found.map(({ form }) => form));
}

/** Those of the forms that the template looks for: where they are marked, it writes another text. */
function formsRead(
  written: (reads: ReadonlySet<string>) => readonly TemplateMessage[],
  forms: ReadonlySet<string>,
  render: (messages: readonly TemplateMessage[]) => string,
): ReadonlySet<string> {
  const textWith = (reads: ReadonlySet<string>): string => withoutMarks(render(written(reads)));
  const whole = textWith(forms);
  if (textWith(new Set()) === whole) return new Set();
  return new Set(
    [...forms].filter((form) => textWith(new Set([...forms].filter((one) => one !== form))) !== whole),
  );
}

/** A message's content: a text, or parts where the template shows pictures itself. */
function contentOf<Image, Video>(
  lines: readonly Line<Image, Video>[],
  guard: (text: string) => string,
  picture: string | undefined,
): string | object[] {
  const isShown = (line: Line<Image, Video>): boolean => "media" in line && line.media.type !== "video";
  if (picture === undefined || !lines.some(isShown))
    return lines.map((line) => lineText(line, guard)).join("\n");
  return lines.flatMap((line): object[] => {
    if (!isShown(line)) return [{ type: "text", text: lineText(line, guard) }];
    const label = "label" in line && line.label !== "" ? [{ type: "text", text: line.label }] : [];
    return [...label, { type: "image" }];
  });
}

function lineText<Image, Video>(line: Line<Image, Video>, guard: (text: string) => string): string {
  if ("text" in line) return guard(line.text);
  return line.label + (line.media.type === "video" ? markOf.video : markOf.image);
}
