import { z } from "zod";

/**
 * The largest sizes a config.json may have. They are far beyond any model, and small enough that a damaged file
 * cannot make describing the model take minutes or gigabytes.
 */
const LARGEST = {
  /** Widths and vocabularies. */
  size: 2 ** 22,
  hidden: 2 ** 17,
  layers: 1024,
  heads: 1024,
  headDim: 2048,
  queries: 4096,
  positions: 2 ** 21,
  /** Pixels along a side. */
  image: 2 ** 13,
} as const;

/** A whole number from 1 to the largest of its kind. */
export function upTo(kind: keyof typeof LARGEST): z.ZodNumber {
  return z.number().int().positive().max(LARGEST[kind]);
}
