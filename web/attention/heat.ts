import type { AttentionMaps } from "../backends/backend.ts";

/** What is shown of the maps: one layer or their mean, one visual token or all of them summed. */
export interface View {
  readonly layer: number | "mean";
  readonly query: number | "all";
}

/** Whether a value has the shape that it says it has. */
export function isAttention(value: AttentionMaps): boolean {
  const { layers, queries, rows, columns, maps } = value;
  const isCount = (count: unknown): boolean => Number.isInteger(count) && Number(count) > 0;
  return (
    [layers, queries, rows, columns].every(isCount) &&
    Array.isArray(maps) &&
    maps.length === layers &&
    maps.every(
      (layer: readonly (readonly number[])[]) =>
        layer.length === queries && layer.every((map) => map.length === rows * columns),
    )
  );
}

/**
 * The attention that each patch gets, as a share of what the most looked-at patch gets: [rows · columns], 0 to 1.
 */
export function heat({ maps, rows, columns }: AttentionMaps, { layer, query }: View): Float32Array {
  const sum = new Float32Array(rows * columns);
  for (const queries of layer === "mean" ? maps : [maps[layer]]) {
    for (const map of query === "all" ? queries : [queries[query]]) {
      for (let i = 0; i < sum.length; i++) sum[i] += map[i];
    }
  }
  const most = sum.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? sum.map((value) => value / most) : sum;
}

/** Dark violet over red and orange to pale yellow: equal steps look equal, in grey too. */
const stops = [
  [20, 11, 53],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
];

/**
 * The colours of heat: RGBA [length · 4]. As a veil over a picture it is dark and thick where nothing looks, bright and
 * thin where much does.
 */
export function paint(values: Float32Array, isVeil: boolean): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (const [i, value] of values.entries()) {
    const place = value * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(place));
    const part = place - low;
    for (let channel = 0; channel < 3; channel++) {
      pixels[4 * i + channel] = stops[low][channel] * (1 - part) + stops[low + 1][channel] * part;
    }
    pixels[4 * i + 3] = isVeil ? 255 * (0.8 - 0.4 * value) : 255;
  }
  return pixels;
}
