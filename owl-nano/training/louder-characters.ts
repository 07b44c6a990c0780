import type { DenseBatch, Reader } from "../../src/data/index.ts";
import type { ClassTable } from "../pictures/drawn-scene.ts";

/** How much a patch of a character counts, beside one of a thing or of the background. */
const CHARACTER_WEIGHT = 3;

/** The same batches, in which patches of characters count more: they are few, and things would drown them. */
export function withLouderCharacters(
  read: Reader<DenseBatch>,
  { characters }: ClassTable,
): Reader<DenseBatch> {
  return async (position) => {
    const { batches, next } = await read(position);
    for (const { feeds } of batches) {
      const labels = feeds.labels.data as BigInt64Array;
      const weights = feeds.loss_weights.data as Float32Array;
      for (const [i, label] of labels.entries()) if (label >= characters) weights[i] *= CHARACTER_WEIGHT;
    }
    return { batches, next };
  };
}
