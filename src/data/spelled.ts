import type { MediaSpan } from "../model/index.ts";
import type { TrainingSample } from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** A part of a row as the model sees it: words, or the positions of a picture or video. */
export interface SpelledPart {
  readonly kind: "text" | MediaSpan["kind"];
  /** Words with special tokens as they are written; "" of a picture. */
  readonly text: string;
  /** Positions that it takes. */
  readonly tokens: number;
  readonly isLearned: boolean;
}

/**
 * A row's tokens as words again, cut where learning begins and ends, and at pictures.
 *
 * @param marker the tokens that stand for a picture beside the text
 */
export function spelledParts(
  { ids, lossMask, spans }: TrainingSample,
  tokenizer: Tokenizer,
  marker?: readonly number[],
): SpelledPart[] {
  const parts: SpelledPart[] = [];
  const text: number[] = [];
  let spelled = 0;
  for (let start = 0; start < ids.length; ) {
    const span = spans.find((one) => one.start === start);
    if (span !== undefined) {
      // A picture's tiles are told as one.
      const before = (span.tile ?? 0) > 0 ? (parts.pop()?.tokens ?? 0) : 0;
      const length = marker?.length ?? span.length;
      parts.push({ kind: span.kind, text: "", tokens: before + length, isLearned: false });
      start += length;
      continue;
    }
    let end = start + 1;
    const isWord = (at: number): boolean => ids[at] >= 0 && !spans.some((one) => one.start === at);
    while (end < ids.length && isWord(end) && lossMask[end] === lossMask[start]) end++;
    text.push(...ids.slice(start, end));
    // What a tokenizer drops at the beginning of a text it drops here of the row's alone.
    const all = tokenizer.decode(text);
    parts.push({
      kind: "text",
      text: all.slice(spelled),
      tokens: end - start,
      isLearned: lossMask[start],
    });
    spelled = all.length;
    start = end;
  }
  return parts;
}
