import {
  decodeImage,
  decodeVideo,
  type ImageFile,
  type RgbImage,
  type VideoOptions,
} from "../image/index.ts";
import { PlatformError, startWorkerPool, type WorkerPool, workerModule } from "../platform/index.ts";
import { type PixelTask, pixelsOf, type RowPixels } from "./media-pixels.ts";

/** Decodes the pictures and videos of rows, and makes pixels of them. */
export interface MediaReader {
  /** So many rows are worth being read at once. */
  readonly rowsAhead: number;
  /** @param name what errors call the picture, where that is not its path */
  image(file: ImageFile, name?: string): Promise<RgbImage>;
  video(path: string, options: VideoOptions): Promise<readonly RgbImage[]>;
  pixels(task: PixelTask): Promise<RowPixels>;
  /** Ends its threads; a further call starts others. */
  close(): Promise<void>;
}

/** Decodes in the thread that asks. */
const here: MediaReader = {
  rowsAhead: 1,
  image: (file, name) => decodeImage(file, { name }),
  video: (path, options) => decodeVideo(path, options),
  pixels: async (task) => pixelsOf(task),
  close: async () => undefined,
};

/**
 * Reads media in so many threads, with the same results to the last bit; 0: in the one that asks. Threads start with the first call
 * and do not keep the process alive.
 *
 * @throws PlatformError where the module of the threads does not lie beside this one
 */
export function openMediaReader(threads: number): MediaReader {
  if (threads === 0) return here;
  const module = mediaWorker();
  if (module === undefined)
    throw new PlatformError(
      "dataThreads: the package's own files are needed for threads that decode pictures, got a bundle; say 0, or leave mplug-owl out of the bundle",
    );
  let pool: WorkerPool | undefined;
  const call = (name: string, argument: unknown): Promise<unknown> => {
    pool ??= startWorkerPool(module, threads);
    return pool.call(name, argument);
  };
  return {
    rowsAhead: 2 * threads,
    image: (file, name) => call("image", { file: compact(file), name }) as Promise<RgbImage>,
    video: (path, options) => call("video", { path, options }) as Promise<readonly RgbImage[]>,
    pixels: (task) => call("pixels", task) as Promise<RowPixels>,
    close: async () => {
      const ended = pool;
      pool = undefined;
      await ended?.close();
    },
  };
}

/** Whether threads can be started. */
export const hasMediaThreads = (): boolean => mediaWorker() !== undefined;

const mediaWorker = (): URL | undefined => workerModule("media-worker", import.meta.url);

/** Bytes in a buffer of their own: a message copies the whole buffer that lies below them. */
function compact(file: ImageFile): ImageFile {
  return typeof file === "string" || file.byteLength === file.buffer.byteLength ? file : file.slice();
}
