import type { AttentionMaps, PatchFraming } from "../backends/backend.ts";

/** Which attention maps a heatmap shows: one layer or the mean of all, one visual token or the sum over all. */
export interface HeatmapView {
  readonly layer: number | "mean";
  readonly query: number | "all";
}

/** Whether a value has the shape that it says it has. */
export function isAttention(value: AttentionMaps): boolean {
  const { layers, queries, words, rows, columns, framing, maps } = value;
  const isCount = (count: unknown): boolean => Number.isInteger(count) && Number(count) > 0;
  return (
    [layers, queries, rows, columns].every(isCount) &&
    (words === undefined || (Array.isArray(words) && words.length === queries)) &&
    (framing === undefined || [framing.edge, framing.size, framing.covered].every(isCount)) &&
    Array.isArray(maps) &&
    maps.length === layers &&
    maps.every(
      (layer: readonly (readonly number[])[]) =>
        layer.length === queries && layer.every((map) => map.length === rows * columns),
    )
  );
}

/** A rectangle of a picture, each in shares of its width or height; it may reach beyond the picture. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where the patches lie on a picture of so many pixels. */
export function patchArea(framing: PatchFraming | undefined, width: number, height: number): Area {
  if (framing === undefined) return { left: 0, top: 0, width: 1, height: 1 };
  const { fit, edge, size, covered } = framing;
  const along = (side: number): readonly [start: number, share: number] => {
    const resized = {
      squeeze: edge,
      crop: Math.trunc((edge * side) / Math.min(width, height)),
      pad: (edge * side) / Math.max(width, height),
    }[fit];
    return [Math.floor((resized - size) / 2) / resized, covered / resized];
  };
  const [[left, across], [top, down]] = [along(width), along(height)];
  return { left, top, width: across, height: down };
}

/** The attention on each patch relative to the patch with the most: [rows · columns], 0 to 1. */
export function heatmap({ maps, rows, columns }: AttentionMaps, { layer, query }: HeatmapView): Float32Array {
  const sum = new Float32Array(rows * columns);
  for (const queries of layer === "mean" ? maps : [maps[layer]]) {
    for (const map of query === "all" ? queries : [queries[query]]) {
      for (let i = 0; i < sum.length; i++) sum[i] += map[i];
    }
  }
  const most = sum.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? sum.map((value) => value / most) : sum;
}

/** A perceptually uniform colour map (dark violet, red, orange, pale yellow), monotone in lightness. */
const stops = [
  [20, 11, 53],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
];

/**
 * Values of 0 to 1 as colours: RGBA [length · 4].
 *
 * @param isOverlay for drawing over a picture: opaque and dark at 0, more transparent and bright towards 1
 */
export function applyColourMap(values: Float32Array, isOverlay: boolean): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (const [i, value] of values.entries()) {
    const position = value * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(position));
    const part = position - low;
    for (let channel = 0; channel < 3; channel++) {
      pixels[4 * i + channel] = stops[low][channel] * (1 - part) + stops[low + 1][channel] * part;
    }
    pixels[4 * i + 3] = isOverlay ? 255 * (0.8 - 0.4 * value) : 255;
  }
  return pixels;
}
