import { defaultFrames } from "../image/index.ts";
import { type Prompt, pictureAttention } from "../inference/index.ts";
import { type AttentionMaps, attentionMaps, besideTextMaps } from "../inspection/index.ts";
import { hyperOf, TextOnlyError } from "../model/index.ts";
import { type OptionRules, option } from "../platform/index.ts";
import { markerIds } from "../prompt/index.ts";
import { type Tokenizer, withoutTokenizer } from "../tokenizer/index.ts";
import { type ChatMessage, conversationPrompt } from "./chat.ts";
import type { OwlParts } from "./load.ts";
import { type ImageSource, limitRules, type ReadingLimits, readMedia } from "./read-media.ts";

/** What attention is asked about. */
export interface AttentionMapOptions extends ReadingLimits {
  /**
   * What is asked about the picture, whose tokens look at it in a model of pictures beside the text; a visual abstractor looks at pictures
   * before any question. Default: nothing.
   */
  readonly question?: string | undefined;
}

/** What each of these options must be. */
export const attentionRules: OptionRules<AttentionMapOptions> = { ...limitRules, question: option.text };

/** Tokens whose looks are given: the last ones behind the picture. */
const mostWords = 32;

/** Attention maps on a picture; see `Owl.attention`. */
export async function attentionOn(
  picture: ImageSource,
  parts: OwlParts,
  { question, ...limits }: AttentionMapOptions,
): Promise<AttentionMaps> {
  const { model, preprocessor, fidelity, pixelCache, tokenizer } = parts;
  if (preprocessor === undefined) throw new TextOnlyError();
  if (hyperOf(model.config) !== undefined) {
    if (tokenizer === undefined) throw noTokenizer(parts.directory);
    return besideTextAttention(picture, { ...parts, tokenizer }, { question, ...limits });
  }
  const reading = { ...limits, preprocessor, fidelity, frames: defaultFrames, pixelCache };
  // Of a picture in tiles the first shows the whole.
  const [[read]] = await readMedia([{ type: "image", image: picture }], reading);
  return attentionMaps(model.config, preprocessor, await model.abstractorAttention(read));
}

/** How the tokens behind a picture beside the text look at it. */
async function besideTextAttention(
  picture: ImageSource,
  parts: OwlParts & { readonly tokenizer: Tokenizer },
  { question, ...limits }: AttentionMapOptions,
): Promise<AttentionMaps> {
  const { model, tokenizer } = parts;
  const asked = question === undefined ? [] : [{ type: "text" as const, text: question }];
  const message: ChatMessage = { role: "user", content: [{ type: "image", image: picture }, ...asked] };
  const prompt = await conversationPrompt([message], parts, limits);
  const from = Math.max(behindPictures(prompt, tokenizer), prompt.ids.length - mostWords);
  const byLayer = await pictureAttention(model, prompt, from);
  const words = prompt.ids.slice(from).map((id) => tokenizer.decode([id]));
  const { grid } = prompt.pictures[prompt.pictures.length - 1];
  return besideTextMaps(model.config, parts.preprocessor!.size, { byLayer, grid, words });
}

/** The first position behind the last picture's marker. */
function behindPictures({ spans = [] }: Prompt, tokenizer: Tokenizer): number {
  return spans[spans.length - 1].start + markerIds(tokenizer).length;
}

/** For texts that a model cannot be told. */
export function noTokenizer(directory: string): Error {
  return new Error(withoutTokenizer(directory, " to handle text"));
}
