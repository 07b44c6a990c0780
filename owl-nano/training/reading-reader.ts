import { collateDense, type Reader, rowName, type Source } from "../../src/data/index.ts";
import { type OwlConfig, patchCount, tokensPerImage } from "../../src/model/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";
import type { TrainingBatch } from "../../src/training/index.ts";
import type { Note } from "../scenes/notes.ts";
import { type Notes, noteFeeds } from "./note-tokens.ts";
import type { ReadingSizes } from "./reading-objective.ts";

/**
 * How much a cell's token counts beside a patch's class: most cells are background, and soon known. Things are the fewest; weighted as
 * characters are, their names can be lost without the loss telling.
 */
const WEIGHTS: Readonly<Record<Note["kind"], number>> = { thing: 30, character: 8, background: 1 };

/** A picture as the reading stage takes it. */
export interface ReadPicture {
  /** float32 [3, size, size], normalised. */
  readonly pixels: Float32Array;
  /** The class of each patch. */
  readonly labels: Uint16Array;
  readonly notes: Notes;
}

export interface ReadingReaderOptions<T> {
  readonly config: OwlConfig;
  readonly wordToken: (word: string) => number;
  /** Pictures an update. */
  readonly batch: number;
  /** Pictures that are computed at once. */
  readonly microBatch: number;
  readonly encode: (example: T) => ReadPicture;
}

/** Reads pictures with labelled patches and notes. */
export function readingReader<T>(
  source: Source<T>,
  options: ReadingReaderOptions<T>,
): Reader<TrainingBatch<ReadingSizes>> {
  const { batch, microBatch, encode } = options;
  return async (position) => {
    const rows: (ReadPicture & { name: string })[] = [];
    for (let index = position; index < position + batch; index++)
      rows.push({ ...encode(await source.example(index)), name: rowName(source, index) });
    const batches: TrainingBatch<ReadingSizes>[] = [];
    for (let start = 0; start < batch; start += microBatch)
      batches.push(collateReading(rows.slice(start, start + microBatch), options));
    return { batches, next: position + batch };
  };
}

function collateReading(
  rows: readonly (ReadPicture & { readonly name: string })[],
  { config, wordToken }: Pick<ReadingReaderOptions<never>, "config" | "wordToken">,
): TrainingBatch<ReadingSizes> {
  const tokens = tokensPerImage(config);
  const dense = collateDense(rows, {
    imageSize: config.vision.imageSize,
    patches: patchCount(config.vision),
  });
  const pictures = rows.map(({ notes }) => notes);
  return {
    ...dense,
    feeds: {
      ...dense.feeds,
      ...noteFeeds(pictures, tokens, rows.length, wordToken),
      loss_weights: withNoteWeights(dense.feeds.loss_weights, pictures, tokens),
    },
  };
}

/** The patches' weights, and behind them those of each picture's tokens. */
function withNoteWeights(patches: HostTensor, pictures: readonly Notes[], tokens: number): HostTensor {
  const count = patches.data.length;
  const weights = allocate("float32", [count + pictures.length * tokens]);
  weights.data.set(patches.data as Float32Array);
  for (const [p, notes] of pictures.entries())
    for (let token = 0; token < tokens; token++)
      weights.data[count + p * tokens + token] = WEIGHTS[notes[token]?.kind ?? "background"];
  return weights;
}
