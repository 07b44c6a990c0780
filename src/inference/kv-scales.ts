import { cacheSizes, type OwlConfig } from "../model/index.ts";
import type { Device } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import type { CacheBuffer } from "./kv-cache.ts";

/** What keys and values are kept in at first: numbers up to eight, which most models' are. */
const firstScale = 2 ** -4;
/** The largest number of an int8. */
const largestStep = 127;
/** How many steps a number should reach at least, so that its size is known to a few hundredths. */
const fewestSteps = 16;
/** By how much a scale changes where too little or too much was seen to know it. */
const widening = 64;
/** Numbers that keep below this for all tokens add nothing to an answer. */
const smallestScale = firstScale / widening ** 2;
/** How far a number may be beyond all that was seen before it is cut off. */
const headroom = 1.5;

/** The scales of a KV cache in 8 bits, [keyValueHeads, 1, headDim] for the keys and the values of each layer, before they are measured. */
export function newKvScales(
  { language }: OwlConfig,
  device: Device,
): Readonly<Record<string, HostTensor<"float32">>> {
  const { layers, keyValueHeads, headDim } = cacheSizes(language);
  const scale = (): HostTensor<"float32"> => {
    const tensor = device.allocate("float32", [keyValueHeads, 1, headDim]);
    tensor.data.fill(firstScale);
    return tensor;
  };
  const names = Array.from({ length: layers }, (_, i) => [`key_scale.${i}`, `value_scale.${i}`]).flat();
  return Object.fromEntries(names.map((name) => [name, scale()]));
}

/**
 * Sets the scales of one buffer by what a first row of so many positions holds in it.
 *
 * Keys are turned by an angle that grows with the position. What is turned into each other, number i of both halves of a head,
 * has one scale, by the length of the two together: it is the same at every position, so a far one is cut off no sooner.
 *
 * @param grow by how much a scale grows where a number is cut off
 * @param narrows whether scales become narrower that are wider than need be
 * @returns whether they were measured: where numbers were cut off or a few steps long the row must be computed again
 */
export function fitScales(
  scales: HostTensor<"float32">,
  buffer: CacheBuffer,
  positions: number,
  isTurned: boolean,
  { grow, narrows }: { readonly grow: number; readonly narrows: boolean } = { grow: widening, narrows: true },
): boolean {
  const [, heads, capacity, headDim] = buffer.dims;
  const half = headDim / 2;
  let areMeasured = true;
  for (let head = 0; head < heads; head++) {
    const own = scales.data.subarray(head * headDim, (head + 1) * headDim);
    const first = head * capacity * headDim;
    const rows = buffer.data.subarray(first, first + positions * headDim);
    const most = largest(rows, headDim);
    const before = own.slice();
    for (let i = 0; i < headDim; i++) {
      const partner = isTurned ? (i + half) % headDim : i;
      const steps = Math.max(most[i], most[partner]);
      if (steps >= largestStep) {
        own[i] = before[i] * grow;
        areMeasured = false;
      } else if (narrows && steps < fewestSteps && before[i] > smallestScale) {
        // Nothing at all is more likely to be nothing than to be tiny.
        own[i] = Math.max(
          smallestScale,
          before[i] / (steps === 0 ? widening : largestStep / headroom / (steps + 1)),
        );
        areMeasured = false;
      } else {
        const long = isTurned ? largestPair(rows, headDim, i, partner) : steps;
        own[i] = Math.max(narrows ? smallestScale : before[i], (headroom * long * before[i]) / largestStep);
      }
    }
  }
  return areMeasured;
}

/** The largest magnitude of each number of a head over all positions. */
function largest(rows: Float32Array | Int8Array, headDim: number): Float32Array {
  const most = new Float32Array(headDim);
  for (let at = 0; at < rows.length; at++) {
    most[at % headDim] = Math.max(most[at % headDim], Math.abs(rows[at]));
  }
  return most;
}

/** The largest length of two numbers of a head over all positions. */
function largestPair(rows: Float32Array | Int8Array, headDim: number, i: number, partner: number): number {
  let most = 0;
  for (let at = 0; at < rows.length; at += headDim) {
    most = Math.max(most, Math.hypot(rows[at + i], rows[at + partner]));
  }
  return most;
}
