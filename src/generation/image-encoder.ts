import { imagesPerBatch, type LoadedModel } from "../inference/index.ts";
import type { ActiveRequest } from "./active-request.ts";
import { BatchQueue } from "./batch-queue.ts";

/** Encodes the images of requests: offline those of several at once, else one by one. */
export class ImageEncoder {
  readonly #model: LoadedModel;
  readonly #offline: boolean;
  readonly #queue: BatchQueue<ActiveRequest, undefined>;

  constructor(model: LoadedModel, offline: boolean) {
    this.#model = model;
    this.#offline = offline;
    this.#queue = new BatchQueue(
      (requests) => (offline ? requests : requests.slice(0, 1)),
      (requests) => this.#encode(requests),
    );
  }

  /** Encodes the images that a prompt needs, of which so many positions are cached. */
  async run(active: ActiveRequest, cached: number): Promise<void> {
    // The last cached position may be computed again.
    active.cachedPrefix = Math.max(0, cached - 1);
    if (active.missingMedia.length > 0) await this.#queue.run(active, active.signal);
  }

  /** Whether a program is compiled for the images of a request, which leaves processors to something else. */
  compilesFor(active: ActiveRequest): boolean {
    const { compilesForImages, visualCache } = this.#model;
    return compilesForImages && active.missingMedia.some(({ key }) => !visualCache.has(key));
  }

  async #encode(requests: readonly ActiveRequest[]): Promise<undefined[]> {
    const images = requests.flatMap(({ missingMedia }) => missingMedia);
    // What is encoded along with an image may change its tokens in the last bits.
    const atOnce = this.#offline ? imagesPerBatch : 1;
    const [{ signal }] = requests;
    const tokens = await this.#model.visualTokens(images, atOnce, requests.length === 1 ? signal : undefined);
    const width = tokens.length / images.length;
    const byKey = new Map(images.map(({ key }, i) => [key, tokens.subarray(i * width, (i + 1) * width)]));
    for (const active of requests) active.takeVisualTokens(byKey);
    return requests.map(() => undefined);
  }
}
