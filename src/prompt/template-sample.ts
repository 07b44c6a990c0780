import type { MediaSpan } from "../model/index.ts";
import type { AlignedIds, Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, refusal, type TemplateMessage } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { type MediaPositions, mediaPlacer } from "./media-positions.ts";
import type { Message } from "./message.ts";
import { isMediaPiece, type Piece } from "./pieces.ts";
import { prepared, requireAllMedia } from "./template-conversation.ts";
import { endMark, type MarkedPart, piecesOf, withEnd, withoutMarks } from "./template-marks.ts";

/** A row's ids, which of them are learned, and where its pictures and videos lie. */
export interface SampleIds {
  readonly ids: number[];
  readonly lossMask: boolean[];
  readonly spans: MediaSpan[];
  readonly isCut: boolean;
}

/** What writing a row needs to know. */
export interface RowOptions extends MediaPositions {
  readonly maxLength: number;
  readonly where: string;
}

/**
 * A row's messages as ids, written by the model's own chat template. What assistants say is learned, with what the template
 * closes their turns with: where it has `generation` blocks these say what that is, else renderings of the row up to
 * each answer do. The row ends with its last answer.
 *
 * @throws PromptError where the template refuses the messages, or its renderings do not say what belongs to an answer
 */
export function sampleByTemplate(
  conversation: readonly Message<number, number>[],
  template: ChatTemplate,
  tokenizer: Tokenizer,
  options: RowOptions,
): SampleIds {
  const { where } = options;
  try {
    const render = (messages: readonly TemplateMessage[]): string => template.render(messages).text;
    // What follows the last answer teaches nothing.
    const taught = conversation.slice(0, conversation.findLastIndex(({ role }) => role === "assistant") + 1);
    if (taught.length === 0) return { ids: [], lossMask: [], spans: [], isCut: false };
    const { messages, media, abilities } = prepared(taught, { template, tokenizer, render });
    const { text, learned } = learnedText(messages, template, tokenizer, where);
    const pieces = piecesOf(text, abilities.picture, learned);
    requireAllMedia(pieces, media, where);
    return idsOf(pieces, tokenizer, options);
  } catch (error) {
    throw refusal(error, where);
  }
}

type Stretch = readonly [start: number, end: number];

function learnedText(
  messages: readonly TemplateMessage[],
  template: ChatTemplate,
  tokenizer: Tokenizer,
  where: string,
): { readonly text: string; readonly learned: readonly Stretch[] } {
  const { text, generated } = template.render(messages);
  const learned = template.hasGeneration
    ? generated.filter(([start, end]) => end > start)
    : new Answers(messages, template, tokenizer, where).stretches();
  const end = learned.at(-1)?.[1] ?? 0;
  return { text: learned.length === 0 ? text : text.slice(0, end), learned };
}

/** Finds the answers in what a template writes by rendering the messages up to each of them. */
class Answers {
  readonly #messages: readonly TemplateMessage[];
  readonly #template: ChatTemplate;
  readonly #tokenizer: Tokenizer;
  readonly #where: string;
  readonly #whole: string;

  constructor(
    messages: readonly TemplateMessage[],
    template: ChatTemplate,
    tokenizer: Tokenizer,
    where: string,
  ) {
    this.#messages = messages;
    this.#template = template;
    this.#tokenizer = tokenizer;
    this.#where = where;
    this.#whole = template.render(messages).text;
  }

  stretches(): Stretch[] {
    return this.#messages.flatMap(({ role }, i): Stretch[] =>
      role === "assistant" ? [[this.#start(i), this.#end(i)]] : [],
    );
  }

  /** Where the prompt for an answer ends, which what is written of all messages must begin with. */
  #start(answer: number): number {
    const before = this.#messages.slice(0, answer);
    const prompt =
      before.length === 0 ? "" : this.#template.render(before, { add_generation_prompt: true }).text;
    if (this.#whole.startsWith(prompt)) return prompt.length;
    throw this.#disagreement(
      `what it writes to ask for message ${answer} must begin what it writes of all`,
      prompt,
    );
  }

  /** Where an answer's turn ends: behind its words and what closes them, whether an answer is asked for or not. */
  #end(answer: number): number {
    const until = this.#messages.slice(0, answer + 1);
    const marked = this.#messages.map((message, i) =>
      i === answer ? { ...message, content: withEnd(String(message.content)) } : message,
    );
    const whole = this.#template.render(marked).text;
    const [alone, asking] = [false, true].map((add_generation_prompt) => {
      return this.#template.render(marked.slice(0, answer + 1), { add_generation_prompt }).text;
    });
    const at = whole.indexOf(endMark);
    const isSure = whole.lastIndexOf(endMark) === at && withoutMarks(whole) === withoutMarks(this.#whole);
    const [behind, behindAsking] = [alone, asking].map((text) => text.slice(text.lastIndexOf(endMark) + 1));
    const closing =
      alone === asking
        ? this.#firstToken(behind, answer)
        : this.#withoutHalfTokens(common(behind, behindAsking));
    if (at >= 0 && isSure && whole.startsWith(closing, at + 1)) return at + closing.length;
    const plain = this.#template.render(until).text;
    if (alone !== asking && this.#whole.startsWith(plain)) return plain.length;
    throw this.#disagreement(
      `what it writes behind message ${answer} must be the same where others follow`,
      alone,
    );
  }

  /** Two tokens may begin alike. */
  #withoutHalfTokens(text: string): string {
    const half = this.#tokenizer.controlForms(text).find(({ isWhole }) => !isWhole);
    return half === undefined ? text : text.slice(0, half.start);
  }

  /** Up to the first control token: all that tells an answer's end from the prompt for the next. */
  #firstToken(text: string, answer: number): string {
    const token = this.#tokenizer.controlForms(text).find(({ isWhole }) => isWhole);
    if (token !== undefined) return text.slice(0, token.start + token.form.length);
    throw this.#disagreement(
      `a token must end message ${answer}, because it asks for an answer unasked`,
      text,
    );
  }

  #disagreement(must: string, got: string): PromptError {
    const [whole, part] = [withoutMarks(this.#whole), withoutMarks(got)];
    const at = common(part, whole).length;
    const shown = JSON.stringify(part.slice(Math.max(0, at - 20), at + 40));
    return new PromptError(
      `${this.#where}: the model's chat template does not say what belongs to an answer: ${must}, got ${shown}. Mark the answers in it by {% generation %} … {% endgeneration %}`,
    );
  }
}

function common(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

/** For each id whether it has a letter of what is learned. */
function learnedOf(parts: readonly MarkedPart[], { ids, ends, spanned }: AlignedIds): boolean[] {
  const learned = ids.map(() => false);
  for (const [i, { isLearned }] of parts.entries()) {
    if (isLearned) learned.fill(true, ends[i - 1] ?? 0, ends[i] + Number(spanned[i]));
  }
  return learned;
}

function idsOf(
  pieces: readonly Piece[],
  tokenizer: Tokenizer,
  { maxLength, ...positions }: RowOptions,
): SampleIds {
  const sample: SampleIds = { ids: [], lossMask: [], spans: [], isCut: false };
  const { ids, lossMask, spans } = sample;
  const nextPlace = mediaPlacer(positions);
  for (const piece of pieces) {
    const room = maxLength + 1 - ids.length;
    if (isMediaPiece(piece)) {
      const placed = nextPlace(piece.kind, ids.length);
      if (placed.ids.length > room) return { ...sample, isCut: true };
      spans.push(...placed.spans);
      for (const id of placed.ids) {
        ids.push(id);
        lossMask.push(false);
      }
      continue;
    }
    const aligned = tokenizer.alignParts(piece.parts);
    const learned = learnedOf(piece.parts as readonly MarkedPart[], aligned);
    for (const [i, id] of aligned.ids.slice(0, room).entries()) {
      // Nothing stands before a row's first id that could predict it.
      lossMask.push(learned[i] && ids.length > 0);
      ids.push(id);
    }
    if (aligned.ids.length > room) return { ...sample, isCut: true };
  }
  return sample;
}
