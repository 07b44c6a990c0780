import {
  decodeImage,
  decodeVideo,
  type ImageFile,
  type RgbImage,
  type VideoOptions,
} from "../image/index.ts";
import { serveCalls } from "../platform/index.ts";
import { type PixelTask, pixelsOf } from "./media-pixels.ts";

// What threads of openMediaReader run.

/** The same picture in a buffer of its own, which can be handed over. */
const apart = ({ width, height, data }: RgbImage): RgbImage => ({ width, height, data: data.slice() });
const buffersOf = (images: readonly RgbImage[]): ArrayBuffer[] =>
  images.map(({ data }) => data.buffer as ArrayBuffer);

serveCalls({
  image: async ({ file, name }: { readonly file: ImageFile; readonly name: string | undefined }) => {
    const value = apart(await decodeImage(file, { name }));
    return { value, moved: buffersOf([value]) };
  },
  video: async ({ path, options }: { readonly path: string; readonly options: VideoOptions }) => {
    const value = (await decodeVideo(path, options)).map(apart);
    return { value, moved: buffersOf(value) };
  },
  pixels: async (task: PixelTask) => {
    const value = pixelsOf(task);
    const moved = [...value.pixels, ...(value.videos ?? [])].map(({ buffer }) => buffer as ArrayBuffer);
    return { value, moved };
  },
});
