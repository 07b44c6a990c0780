import type { PictureTile } from "../image/index.ts";
import {
  endOf,
  hyperOf,
  type MediaSpan,
  type OwlConfig,
  placeholderIds,
  positionCount,
  spansOfPlaceholders,
  tokensPerImage,
} from "../model/index.ts";
import { described, newDigest } from "../platform/index.ts";
import { ContextLengthError, PromptError } from "../prompt/index.ts";

/** An image, a tile of one or a video as the vision encoder's input. */
export interface Media {
  /** Equal keys mean equal pixels (of a tile, in an equal place). See {@link mediaFromPixels}. */
  readonly key: string;
  /** Normalised pixels [3, imageSize, imageSize]; of a video [3, frames, imageSize, imageSize]. */
  readonly pixels: Float32Array;
  /** How many frames a video has; absent for an image. */
  readonly frames?: number | undefined;
  /** Row and column of a tile, of a model that reads pictures in tiles; it has one for every image. */
  readonly position?: readonly [row: number, column: number] | undefined;
  /** Of a whole picture behind its tiles: their rows and columns. */
  readonly grid?: readonly [rows: number, columns: number] | undefined;
}

/** A prompt as ids and pixels, to be continued by the model. */
export interface Prompt {
  /** Token ids; −1 at the positions of pictures and −2 at those of videos, (queries + 1) of them each. */
  readonly ids: readonly number[];
  /** Pictures (or the tiles that they are read in) and videos in reading order. */
  readonly pictures: readonly Media[];
  /** Where each of them lies; absent: as the negative ids say, each with (queries + 1) of them. */
  readonly spans?: readonly MediaSpan[] | undefined;
  /** What the reader of the answer should know about the prompt. */
  readonly notes?: readonly string[] | undefined;
}

/** An image (or, with `frames`, a video) of these pixels; its key is their SHA-256. */
export async function mediaFromPixels(pixels: Float32Array, frames?: number): Promise<Media> {
  const digest = newDigest("sha256");
  digest.update(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
  const key = digest.hex();
  return frames === undefined ? { key, pixels } : { key, pixels, frames };
}

/** A picture, or a tile of one, as {@link mediaFromPixels} gives it. */
export async function mediaFromTile({ pixels, position, grid }: PictureTile): Promise<Media> {
  const media = await mediaFromPixels(pixels);
  if (grid !== undefined) return { ...media, grid };
  return position === undefined ? media : { key: `${media.key} at ${position}`, pixels, position };
}

/**
 * Fails unless the model can take the prompt: not empty, ids of its vocabulary, as many picture positions as
 * the pictures need, shorter than its longest sequence.
 *
 * @throws PromptError that lists every problem; a ContextLengthError where the length is one of them
 */
export function checkPrompt(prompt: Prompt, config: OwlConfig): void {
  const { vocabulary, maxPositions } = config.language;
  if (!Array.isArray(prompt?.ids) || !Array.isArray(prompt.pictures)) {
    throw new PromptError(`prompt: must be what owl.prompt(messages) gives, got ${described(prompt)}`);
  }
  const problems: string[] = [];
  if (prompt.ids.length === 0) problems.push("must have at least one token, got none");
  const needed = prompt.ids.length;
  if (needed > maxPositions) {
    problems.push(`must fit the model's ${maxPositions} positions, got ${needed}; shorten the conversation`);
  }
  const foreign = prompt.ids.filter((id) => !Number.isInteger(id) || id >= vocabulary);
  if (foreign.length > 0) {
    problems.push(`ids must be below ${vocabulary}, the vocabulary, got ${foreign.slice(0, 5).join(", ")}`);
  }
  problems.push(...mediaProblems(prompt, config));
  if (problems.length === 0) return;
  const message = `prompt: ${problems.join("; ")}`;
  if (needed <= maxPositions) throw new PromptError(message);
  throw new ContextLengthError(message, { needed, available: maxPositions });
}

function mediaProblems(prompt: Prompt, config: OwlConfig): string[] {
  const { ids, pictures } = prompt;
  const problems: string[] = [];
  const perPicture = tokensPerImage(config);
  const isBeside = hyperOf(config) !== undefined;
  const positions = positionCount(spansOfPlaceholders(ids));
  const needed = isBeside ? 0 : pictures.length * perPicture;
  if (positions !== needed) {
    problems.push(`${pictures.length} pictures take ${needed} positions, got ${positions}`);
  }
  for (const [i, { pixels, frames, position }] of pictures.entries()) {
    const isVideo = frames !== undefined;
    const { imageSize } = config.vision;
    const size = 3 * (frames ?? 1) * imageSize ** 2;
    if (pixels.length !== size) {
      const dims = isVideo ? [3, frames, imageSize, imageSize] : [3, imageSize, imageSize];
      problems.push(`picture ${i + 1} must be ${dims.join(" × ")} = ${size} values, got ${pixels.length}`);
    }
    if (!isVideo) problems.push(...positionProblems(`picture ${i + 1}`, position, config));
    if (isVideo && !config.video) {
      problems.push(
        `picture ${i + 1} is a video, which only a model of the video version takes; give its frames`,
      );
    }
  }
  if (positions !== needed) return problems;
  return [...problems, ...(isBeside ? markerProblems(prompt) : spanProblems(prompt, config))];
}

/** What is wrong with the places of pictures beside the text: each has that of its marker's first token. */
function markerProblems({ ids, pictures, spans = [] }: Prompt): string[] {
  const ascend = spans.every(({ start, length }, i) => {
    const before = i === 0 ? -1 : spans[i - 1].start;
    return length === 1 && start > before && start < ids.length;
  });
  if (ascend && spans.length === pictures.length) return [];
  return [
    `${pictures.length} pictures must have a span of one position each, in order, got ${spans.map(({ start }) => start).join(", ") || "none"}`,
  ];
}

/** What is wrong with the place of a tile. */
function positionProblems(
  where: string,
  position: Media["position"],
  { tilePositions }: OwlConfig,
): string[] {
  if (tilePositions === undefined && position === undefined) return [];
  if (tilePositions === undefined) {
    return [`${where} must be whole, as this model reads pictures, got a tile at ${position}`];
  }
  const fits = position?.length === 2 && position.every((at) => at >= 0 && at < tilePositions);
  if (fits) return [];
  return [
    `${where} must be a tile with its row and column below ${tilePositions} as position, got ${position ?? "none"}; owl.prompt(messages) makes tiles`,
  ];
}

/** What is wrong where there are as many positions as the pictures need. */
function spanProblems(prompt: Prompt, config: OwlConfig): string[] {
  const { ids, pictures } = prompt;
  const spans = spansIn(prompt, config);
  const perPicture = tokensPerImage(config);
  const problems = spans.flatMap((span, i) => {
    const where = `picture ${i + 1}`;
    if (span.length !== perPicture) {
      return [`${where} must have ${perPicture} positions side by side, got ${span.length} at ${span.start}`];
    }
    const found = ids.slice(span.start, endOf(span));
    const kind = pictures[i]?.frames === undefined ? "image" : "video";
    const [own] = spansOfPlaceholders(found);
    if (own?.kind === kind && own.length === perPicture) return [];
    const [id] = placeholderIds({ kind, length: 1 });
    const what = kind === "video" ? "a video" : "a picture";
    return [
      `${where} is ${what} and has the id ${id} at its positions, got ${[...new Set(found)].join(", ")}`,
    ];
  });
  if (spans.length === pictures.length || problems.length > 0) return problems;
  return [`${pictures.length} pictures must have a span each, got ${spans.length}`];
}

/** An image or video of a prompt, and where its visual tokens lie in it. */
export interface PlacedMedia extends MediaSpan {
  readonly media: Media;
}

/** The images and videos of a prompt that was checked ({@link checkPrompt}), each with its span. */
export function placedMedia(prompt: Prompt, config: OwlConfig): PlacedMedia[] {
  return spansIn(prompt, config).map((span, i) => ({ ...span, media: prompt.pictures[i] }));
}

function spansIn({ ids, spans }: Prompt, config: OwlConfig): readonly MediaSpan[] {
  return spans ?? spansOfPlaceholders(ids, tokensPerImage(config));
}

/** What a position holds, so that equal keys mean equal embeddings: an id, or the key of an image or video and the index of its visual token. */
export type PositionKey = number | string;

/**
 * The keys of a prompt's positions.
 *
 * @param angles `angleLength` of the sequence (default 0): with another one a prefix of it has other keys and values
 */
export function positionKeys(
  ids: readonly number[],
  placed: readonly PlacedMedia[],
  angles = 0,
): PositionKey[] {
  const keys: PositionKey[] = [...ids];
  for (const { start, length, media } of placed) {
    for (let row = 0; row < length; row++) keys[start + row] = `${media.key} ${row}`;
  }
  // Prefixes are compared from their first position on.
  if (angles > 0) keys[0] = `${keys[0]} of ${angles}`;
  return keys;
}

/** How long the common prefix of two sequences is. */
export function commonPrefixLength(a: readonly PositionKey[], b: readonly PositionKey[]): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}
