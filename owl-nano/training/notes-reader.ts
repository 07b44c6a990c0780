import {
  collate,
  type Reader,
  type Rounding,
  type Source,
  type TokenBatch,
  type TokenRow,
} from "../../src/data/index.ts";
import { type OwlConfig, tokensPerImage } from "../../src/model/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import { encodeText } from "./encode-text.ts";
import { type EvenReaderOptions, evenReader } from "./even-batches.ts";
import { type Notes, noteFeeds } from "./note-tokens.ts";
import { wordTokens } from "./tokenizer.ts";

/** A text of the language stage, and the notes of the picture of each of its `<image>` marks, in order. */
export interface NotedText {
  readonly text: string;
  readonly notes: readonly Notes[];
}

export interface NotesReaderOptions
  extends Omit<EvenReaderOptions<NotedText, NotedRow>, "encode" | "collate"> {
  readonly config: OwlConfig;
  readonly tokenizer: Tokenizer;
  readonly maxTokens: number;
}

interface NotedRow extends TokenRow {
  readonly notes: readonly Notes[];
}

/** Reads the language stage's rows: conversations and plain texts, with notes in the place of pictures. */
export function notesReader(source: Source<NotedText>, options: NotesReaderOptions): Reader<TokenBatch> {
  const { config, tokenizer, maxTokens } = options;
  const perImage = tokensPerImage(config);
  const wordToken = wordTokens(tokenizer);
  const encode = ({ text, notes }: NotedText, name: string): NotedRow => {
    const settings = { maxLength: maxTokens, tokensPerImage: perImage, where: name };
    const { ids, lossMask, spans, imageCount } = encodeText(text, tokenizer, settings);
    return { ids, lossMask, spans, name, notes: notes.slice(0, imageCount), pixels: [] };
  };
  return evenReader(source, {
    ...options,
    encode,
    collate: (rows, rounding) => collateNotes(rows, perImage, rounding, wordToken),
  });
}

function collateNotes(
  rows: readonly (NotedRow | TokenRow)[],
  perImage: number,
  rounding: Rounding,
  wordToken: (word: string) => number,
): TokenBatch {
  // Notes are no pixels: a picture without any keeps its place among the tokens.
  const placed = rows.map((row) => ({ ...row, pixels: row.spans.map(() => new Float32Array(0)) }));
  const { feeds, ...batch } = collate(placed, { tokensPerImage: perImage, imageSize: 0, rounding });
  const { pixel_values: _, ...texts } = feeds;
  const { images } = batch.sizes;
  if (images === 0) return { ...batch, feeds: texts };
  const pictures = rows.flatMap((row) => ("notes" in row ? row.notes : []));
  return { ...batch, feeds: { ...texts, ...noteFeeds(pictures, perImage, images, wordToken) } };
}
