import { fnv1a, mulberry32, type Random } from "../../primitives/index.ts";

/** A repeatable stream of numbers, one for each text. */
export function randomStream(seed: string): Random {
  return mulberry32(fnv1a(new TextEncoder().encode(seed)));
}
