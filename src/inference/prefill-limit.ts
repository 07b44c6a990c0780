import { hyperOf, type KvCacheDtype, type OwlConfig } from "../model/index.ts";
import type { Device } from "../runtime/index.ts";
import { visualRoom } from "./kept-pictures.ts";

/** Positions that a row of a KV cache has room for from the start, and those of an answer, where unused memory costs nothing. */
export const freePositions: Readonly<Record<KvCacheDtype, number>> = { float32: 1024, int8: 4096 };

/** Positions of a prompt in one run of a program: on a CPU more of them are computed no faster, and take memory. */
const longestPiece = 256;

/** Whether a device copies buffers whole at every run: to a GPU, and to WebAssembly and back. */
export function copiesBuffers({ name, copiesFeeds }: Device): boolean {
  return name !== "cpu" || copiesFeeds;
}

/** New positions of a prompt that are best computed at once where nobody waits for the next decode step. */
export function prefillPiece(device: Device): number {
  return copiesBuffers(device) ? Number.POSITIVE_INFINITY : longestPiece;
}

/** Positions that a row gets room for when a prompt begins, and an answer of so many tokens behind it: as many as cost nothing. */
export function roomFor({ config, device, kvCacheDtype }: Room, prompt: number, answer: number): number {
  if (copiesBuffers(device)) return 0;
  // Where pictures and text share a softmax, plain operators read all of the room.
  return prompt + (hyperOf(config)?.gate === "none" ? 0 : Math.min(answer, freePositions[kvCacheDtype]));
}

/** What room for a prompt depends on. */
interface Room {
  readonly config: OwlConfig;
  readonly device: Device;
  readonly kvCacheDtype: KvCacheDtype;
}

/** Bytes of what a prefill computes in one layer, and of that layer's scores over pictures. */
const LAYER_BYTES = 64 * 2 ** 20;

/**
 * New positions of all rows together that a prefill takes at once where rows have at most so many pictures and positions: every position
 * has the numbers of a layer, a score for every visual token beside the text, and, where pictures and text share a softmax, one for every
 * position of the text. An even number.
 */
export function mostPrefilled(config: OwlConfig, pictures: number, positions: number): number {
  const { hidden, intermediate } = config.language;
  // Queries, keys and values, what a layer begins and ends with; gate, up and their product.
  const numbers = 3 * (hidden + intermediate);
  const most = Math.floor(
    LAYER_BYTES / Float32Array.BYTES_PER_ELEMENT / Math.max(numbers, scoresOf(config, pictures, positions)),
  );
  return Math.max(2, most - (most % 2));
}

/** Scores of one position that plain operators compute at once. */
function scoresOf(config: OwlConfig, pictures: number, positions: number): number {
  const hyper = hyperOf(config);
  if (hyper === undefined || (pictures === 0 && hyper.gate !== "none")) return 0;
  const text = hyper.gate === "none" ? positions : 0;
  return config.language.heads * (visualRoom(config, hyper, Math.max(1, pictures)) + text);
}
