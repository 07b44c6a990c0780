import type { Media } from "../inference/index.ts";
import { newDigest, openFile } from "../platform/index.ts";
import { LruCache } from "../primitives/index.ts";

/** Bytes of pixels that are cached: of the published model 111 pictures, or 27 videos of four frames. */
const limit = 64 * 2 ** 20;

/** Larger files are not read just to know whether they were prepared before. */
const largestFile = 2 ** 28;

const chunkBytes = 2 ** 20;

/**
 * Prepared pixels of picture and video files by the content of the files, so that the pictures of a conversation's earlier
 * turns are neither decoded nor resized again. The least recently used are evicted.
 */
export class PixelCache {
  readonly #entries = new LruCache<string, readonly Media[]>({ limit, weightOf: bytesOf });

  /**
   * The pixels under a key (of a picture that is read in tiles, those of each), prepared unless they are cached.
   *
   * @param key a file's {@link contentDigest} and everything else that decides about the pixels; undefined: not cached
   */
  async get(key: string | undefined, prepare: () => Promise<Media[]>): Promise<Media[]> {
    const cached = key === undefined ? undefined : this.#entries.get(key);
    if (cached !== undefined) return cached.map(copyOf);
    const prepared = await prepare();
    if (key !== undefined && bytesOf(prepared) <= limit) this.#entries.set(key, prepared.map(copyOf));
    return prepared;
  }

  clear(): void {
    this.#entries.clear();
  }
}

const bytesOf = (media: readonly Media[]): number =>
  media.reduce((sum, { pixels }) => sum + pixels.byteLength, 0);

/** Pixels are handed out as copies, because whoever has a prompt may change them. */
function copyOf(picture: Media): Media {
  return { ...picture, pixels: picture.pixels.slice() };
}

/**
 * The SHA-256 of a file's content: of bytes, or of the file of a path, which is read piece by piece.
 *
 * @returns undefined for a file of more than 256 MiB
 * @throws FileError for a path that cannot be read
 */
export async function contentDigest(file: string | Uint8Array): Promise<string | undefined> {
  const digest = newDigest("sha256");
  if (typeof file !== "string") {
    if (file.byteLength > largestFile) return undefined;
    digest.update(file);
    return digest.hex();
  }
  const opened = await openFile(file);
  try {
    if (opened.size > largestFile) return undefined;
    for (let at = 0; at < opened.size; at += chunkBytes) {
      const chunk = new Uint8Array(Math.min(chunkBytes, opened.size - at));
      await opened.read(chunk, at);
      digest.update(chunk);
    }
    return digest.hex();
  } finally {
    await opened.close();
  }
}
