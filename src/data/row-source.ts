import type { RgbImage } from "../image/index.ts";
import { LruCache } from "../primitives/index.ts";
import type { RowText } from "../prompt/index.ts";
import type { DataFormat } from "./data-format.ts";
import { DataError, type Example, type ExampleSource } from "./example.ts";
import type { MediaTotals } from "./media-check.ts";
import { type MediaReader, openMediaReader } from "./media-reader.ts";
import type { Picture } from "./picture.ts";
import type { Row, RowContent } from "./row.ts";
import { type CheckedRows, checkRows, type RowCheckOptions } from "./row-check.ts";
import type { RowIndex } from "./row-index.ts";
import { RowStore } from "./row-store.ts";

/** Bytes of decoded pictures that are kept of a file's rows. */
const mostKept = 256 * 2 ** 20;

/** Of a photograph of 640 × 480 pixels, decoded. */
const usualPicture = 3 * 640 * 480;

/** About how many bytes of decoded pictures a source with these media keeps for when their rows come again. */
export function keptPictureBytes({ files }: MediaTotals): number {
  return Math.min(mostKept, files * usualPicture);
}

export interface RowSourceOptions extends RowCheckOptions {
  /** Memory for decoded pictures that come again, in bytes (default 256 MiB). */
  readonly cacheBytes?: number;
  /**
   * What decodes pictures and videos; this thread if absent.
   *
   * @internal
   */
  readonly mediaReader?: MediaReader | undefined;
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface RowSource extends ExampleSource {
  /** What the rows' texts are. */
  readonly content: RowContent;
  textOf(index: number): Promise<RowText>;
  nameOf(index: number): string;
  readonly media: MediaTotals;
  /** Checksums by which a resumed run finds that its data has changed: of all rows, and of the size and beginning of every media file. */
  readonly fingerprint: { readonly rows: string; readonly files: string };
}

/**
 * Reads and checks all rows of a file, and the beginning of every picture; pictures are decoded when their row is asked for.
 *
 * @throws DataError naming every line that is no row, misses a picture file, has other than one `<image>`
 *   mark a picture (the released code takes another row instead and says nothing), a video where the model
 *   takes none, or a picture that is none
 */
export async function openRowSource(
  path: string,
  format: DataFormat,
  options: RowSourceOptions,
): Promise<RowSource> {
  const store = new RowStore(path, { reader: await format.reader(path, options) });
  const { problems, ...checked } = await checkRows(path, format, options, store);
  problems.require();
  return sourceOf(path, store, checked, options);
}

/** What is known of a file whose rows were checked before. */
export type KnownRows = Pick<CheckedRows, "content" | "media" | "fingerprint">;

/** The rows of a file that were checked before, by where they lie; nothing is read until a row is asked for. */
export async function indexedRowSource(
  path: string,
  format: DataFormat,
  { index, ...known }: KnownRows & { readonly index: RowIndex },
  options: RowSourceOptions,
): Promise<RowSource> {
  const store = new RowStore(path, { reader: await format.reader(path, options), index });
  return sourceOf(path, store, known, options);
}

function sourceOf(
  path: string,
  store: RowStore,
  { content, media, fingerprint }: KnownRows,
  { cacheBytes = mostKept, videos, mediaReader = openMediaReader(0) }: RowSourceOptions,
): RowSource {
  const decode = cachedDecoder(cacheBytes, mediaReader, videos);
  return {
    length: store.length,
    groups: store.groups,
    content,
    media,
    example: async (index) => readExample(path, await store.row(index), decode),
    textOf: async (index) => (await store.row(index)).text,
    nameOf: (index) => nameOf(path, store.nameOf(index)),
    fingerprint,
  };
}

/** The name of a row, as errors and logs have it: `train.jsonl:12`. */
export function nameOf(path: string, { line, label }: Pick<Row, "line" | "label">): string {
  return `${path}:${label ?? line}`;
}

async function readExample(path: string, row: Row, decode: Decoder): Promise<Example> {
  try {
    const images = await Promise.all(row.images.map(decode.image));
    const said = { text: row.text, ...(row.rejected !== undefined && { rejected: row.rejected }) };
    if (row.videos.length === 0) return { ...said, images };
    return { ...said, images, videos: await Promise.all(row.videos.map(decode.video)) };
  } catch (error) {
    throw new DataError(`${nameOf(path, row)}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Decoder {
  image(picture: Picture): Promise<RgbImage>;
  video(path: string): Promise<readonly RgbImage[]>;
}

/** Decodes picture and video files, keeping those used last up to a number of bytes. */
function cachedDecoder(limit: number, media: MediaReader, videos: RowSourceOptions["videos"]): Decoder {
  const cache = new LruCache<string, readonly RgbImage[]>({
    limit,
    weightOf: (frames) => frames.reduce((sum, { data }) => sum + data.byteLength, 0),
  });
  const decode = async (
    key: string,
    read: () => Promise<readonly RgbImage[]>,
  ): Promise<readonly RgbImage[]> => {
    const found = cache.get(key);
    if (found !== undefined) return found;
    const frames = await read();
    cache.set(key, frames);
    return frames;
  };
  return {
    image: async (picture) => {
      if (typeof picture === "string")
        return (await decode(`image ${picture}`, async () => [await media.image(picture)]))[0];
      const { name } = picture;
      return (
        await decode(`image in ${name}`, async () => [await media.image(await picture.read(), name)])
      )[0];
    },
    video: (path) => decode(`video ${path}`, () => media.video(path, videos!)),
  };
}
