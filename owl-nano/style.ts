import type { Random } from "./random.ts";
import type { Tile } from "./tile.ts";

/** How a sprite's own colors and edges are changed before it is drawn. */
export interface Style {
  /** Factors of red, green and blue. */
  readonly gain: readonly [number, number, number];
  /** 0 = grey, 1 = as drawn. */
  readonly saturation: number;
  /** Rotation of the hue, radians. */
  readonly hue: number;
  /** Mixed towards white by this much, as line art is. */
  readonly whiten: number;
  /** Number of tones a channel is cut down to; 0 = all. */
  readonly tones: number;
  /** Strength of black lines along the edges inside and around the drawing, 0…1. */
  readonly outline: number;
}

/** As the vendor drew it. */
export const PLAIN: Style = { gain: [1, 1, 1], saturation: 1, hue: 0, whiten: 0, tones: 0, outline: 0 };

/**
 * A random style. 22 % are made to look hand-outlined and flat (black contour, few tones, paler fill), from permissive art alone:
 * the nearest one can come to an unseen outlining vendor without seeing it.
 *
 * @param strength 0 … 1 scales how often anything is changed
 * @param tint how far red, green and blue may be off, each by itself
 */
export function randomStyle(random: Random, strength = 1, tint = 0.15): Style {
  const gain: [number, number, number] = [
    random.range(1 - tint, 1 + tint),
    random.range(1 - tint, 1 + tint),
    random.range(1 - tint, 1 + tint),
  ];
  const brightness = random.range(0.92, 1.06);
  const style = {
    ...PLAIN,
    gain: [gain[0] * brightness, gain[1] * brightness, gain[2] * brightness] as const,
  };
  const dice = random.next() / Math.max(strength, 1e-9);
  if (dice < 0.15)
    return {
      ...style,
      outline: random.range(0.6, 1),
      tones: random.integer(3) + 2,
      whiten: random.range(0, 0.35),
    };
  if (dice < 0.22)
    return {
      ...style,
      outline: random.range(0.8, 1),
      whiten: random.range(0.5, 1),
      saturation: random.range(0.3, 1),
    };
  if (dice < 0.27) return { ...style, saturation: random.range(0, 0.2) };
  if (dice < 0.34) return { ...style, hue: random.range(-0.8, 0.8), saturation: random.range(0.6, 1.3) };
  if (dice < 0.39) return { ...style, tones: random.integer(3) + 2 };
  return style;
}

function recolor(tile: Tile, style: Style): void {
  const count = tile.width * tile.height;
  const cos = Math.cos(style.hue);
  const sin = Math.sin(style.hue) * Math.sqrt(1 / 3);
  const keep = cos + (1 - cos) / 3;
  const next = (1 - cos) / 3 - sin;
  const last = (1 - cos) / 3 + sin;
  const { rgb, alpha } = tile;
  for (let i = 0; i < count; i++) {
    if (alpha[i] === 0) continue;
    const r = rgb[i * 3]! * style.gain[0];
    const g = rgb[i * 3 + 1]! * style.gain[1];
    const b = rgb[i * 3 + 2]! * style.gain[2];
    const grey = 0.3 * r + 0.59 * g + 0.11 * b;
    rgb[i * 3] = keep * r + next * g + last * b;
    rgb[i * 3 + 1] = last * r + keep * g + next * b;
    rgb[i * 3 + 2] = next * r + last * g + keep * b;
    for (let c = 0; c < 3; c++) {
      let value = grey + (rgb[i * 3 + c]! - grey) * style.saturation;
      if (style.tones > 0) value = Math.round(value * style.tones) / style.tones;
      value += (1 - value) * style.whiten;
      rgb[i * 3 + c] = Math.max(0, Math.min(1, value));
    }
  }
}

const lines = new Float32Array(160 * 160);

/** How much a line belongs at each pixel: where color changes abruptly inside, and one pixel around the silhouette. */
function findLines(tile: Tile): void {
  const { width, height, rgb, alpha } = tile;
  lines.fill(0, 0, width * height);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const [l, r, u, d] = [at - 1, at + 1, at - width, at + width];
      const reach = Math.max(alpha[l]!, alpha[r]!, alpha[u]!, alpha[d]!);
      if (reach === 0) continue;
      const least = Math.min(alpha[l]!, alpha[r]!, alpha[u]!, alpha[d]!);
      let change = reach - least;
      if (least > 0.5)
        for (let c = 0; c < 3; c++) {
          const across = Math.abs(rgb[r * 3 + c]! - rgb[l * 3 + c]!);
          const down = Math.abs(rgb[d * 3 + c]! - rgb[u * 3 + c]!);
          change = Math.max(change, across, down);
        }
      lines[at] = Math.max(0, Math.min(1, (change - 0.15) * 3));
    }
}

/** Changes the tile in place. */
export function applyStyle(tile: Tile, style: Style): void {
  if (style.outline > 0) findLines(tile);
  if (style !== PLAIN) recolor(tile, style);
  if (style.outline === 0) return;
  const count = tile.width * tile.height;
  for (let i = 0; i < count; i++) {
    const line = lines[i]! * style.outline;
    if (line === 0) continue;
    const alpha = tile.alpha[i]!;
    const joined = line + alpha * (1 - line);
    for (let c = 0; c < 3; c++) tile.rgb[i * 3 + c] = (tile.rgb[i * 3 + c]! * alpha * (1 - line)) / joined;
    tile.alpha[i] = joined;
  }
}
