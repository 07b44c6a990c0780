import {
  type PictureTile,
  type Preprocessor,
  type RgbImage,
  randomResizedCrop,
  squeezing,
  toPixelValues,
  toTiles,
  toVideoPixelValues,
} from "../image/index.ts";
import type { MediaKind } from "../model/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import type { TokenRow } from "./token-row.ts";

/** What a row shows, decoded, and how it becomes the vision encoder's input. */
export interface PixelTask {
  readonly images: readonly RgbImage[];
  readonly videos: readonly (readonly RgbImage[])[];
  readonly preprocessor: Preprocessor;
  /** Cut pictures out and mirror them by random numbers of this seed; not if absent. */
  readonly seed?: number | undefined;
  /** Of models whose pictures stand beside the text: the kinds of all media in reading order, and how many pictures of them are seen. */
  readonly beside?: { readonly order: readonly MediaKind[]; readonly count: number } | undefined;
}

export type RowPixels = Pick<TokenRow, "pixels" | "positions" | "videos">;

/** The pixels of a row's pictures and videos. */
export function pixelsOf(task: PixelTask): RowPixels {
  const { images, videos, preprocessor, seed } = task;
  if (task.beside !== undefined) return { pixels: pixelsBeside(task, task.beside) };
  const { size, resample } = preprocessor;
  const random = seed === undefined ? undefined : mulberry32(seed);
  const tiles = images.flatMap((image): PictureTile[] => {
    if (random === undefined) return toTiles(image, preprocessor);
    const cut = randomResizedCrop(image, size, random, { resample });
    return [{ pixels: toPixelValues(cut, squeezing(preprocessor)) }];
  });
  const positions = tiles.flatMap(({ position }) => (position ? [position] : []));
  const pictures = {
    pixels: tiles.map(({ pixels }) => pixels),
    ...(positions.length > 0 && { positions }),
  };
  if (videos.length === 0) return pictures;
  return { ...pictures, videos: videos.map((frames) => toVideoPixelValues(frames, preprocessor)) };
}

/** Squares and wholes of pictures, and frames of videos, in reading order. */
function pixelsBeside(
  { images, videos, preprocessor }: PixelTask,
  { order, count }: NonNullable<PixelTask["beside"]>,
): Float32Array[] {
  const left = { image: [...images], video: [...videos] };
  const pixels: Float32Array[] = [];
  for (const kind of order) {
    if (pixels.length >= count) break;
    if (kind === "image") pixels.push(...toTiles(left.image.shift()!, preprocessor).map((one) => one.pixels));
    else pixels.push(...left.video.shift()!.map((frame) => toPixelValues(frame, squeezing(preprocessor))));
  }
  return pixels.slice(0, count);
}
