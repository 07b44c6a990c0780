import type { Inks } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import { CAPACITY, type Tile } from "./tile.ts";

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
  /** In place of the drawing's own colors: from the first for black to the second for white. */
  readonly inks?: Inks | undefined;
  /** Light from one side: brighter by this much there, darker on the other side; direction in radians. */
  readonly light?: { readonly strength: number; readonly from: number } | undefined;
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
  if (dice < 0.43) return { ...style, inks: randomInks(random) };
  if (dice < 0.58)
    return { ...style, light: { strength: random.range(0.15, 0.5), from: random.range(0, 2 * Math.PI) } };
  return style;
}

/** Whether a drawing keeps the name of its color in this style. */
export function keepsColor({ gain, saturation, hue, whiten, inks }: Style): boolean {
  const uneven = Math.max(...gain) / Math.min(...gain);
  return inks === undefined && hue === 0 && saturation > 0.8 && whiten < 0.25 && uneven < 1.2;
}

/** A dark color and a light one. */
function randomInks(random: Random): Inks {
  const color = (low: number, high: number): [number, number, number] => {
    const value = random.range(low, high);
    const hue = random.next() * 6;
    const saturation = random.range(0, 1);
    const channel = (n: number): number =>
      value * (1 - saturation * Math.max(0, Math.min((n + hue) % 6, 4 - ((n + hue) % 6), 1)));
    return [channel(5), channel(3), channel(1)];
  };
  return { dark: color(0, 0.6), light: color(0.6, 1) };
}

/** How an icon is colored: like a drawing of the same thing, or anyhow; now and then the other way round. */
export function iconInks(inks: readonly Inks[], random: Random): Inks {
  const own = inks.length > 0 && random.chance(0.7) ? random.pick(inks) : randomInks(random);
  return random.chance(0.25) ? { dark: own.light, light: own.dark } : own;
}

function ink(rgb: Float32Array, at: number, { dark, light }: Inks): void {
  const shade = 0.3 * rgb[at] + 0.59 * rgb[at + 1] + 0.11 * rgb[at + 2];
  for (let c = 0; c < 3; c++) rgb[at + c] = dark[c] + (light[c] - dark[c]) * shade;
}

function illuminate({ width, height, rgb }: Tile, strength: number, from: number): void {
  const across = (2 * strength * Math.cos(from)) / width;
  const down = (2 * strength * Math.sin(from)) / height;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const factor = 1 + across * (x - width / 2) + down * (y - height / 2);
      for (let c = 0; c < 3; c++, at++) rgb[at] = Math.min(1, rgb[at] * factor);
    }
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
    if (style.inks !== undefined) ink(rgb, i * 3, style.inks);
    const r = rgb[i * 3] * style.gain[0];
    const g = rgb[i * 3 + 1] * style.gain[1];
    const b = rgb[i * 3 + 2] * style.gain[2];
    const grey = 0.3 * r + 0.59 * g + 0.11 * b;
    rgb[i * 3] = keep * r + next * g + last * b;
    rgb[i * 3 + 1] = last * r + keep * g + next * b;
    rgb[i * 3 + 2] = next * r + last * g + keep * b;
    for (let c = 0; c < 3; c++) {
      let value = grey + (rgb[i * 3 + c] - grey) * style.saturation;
      if (style.tones > 0) value = Math.round(value * style.tones) / style.tones;
      value += (1 - value) * style.whiten;
      rgb[i * 3 + c] = Math.max(0, Math.min(1, value));
    }
  }
}

const lines = new Float32Array(CAPACITY);

/** How much a line belongs at each pixel: where color changes abruptly inside, and one pixel around the silhouette. */
function findLines(tile: Tile): void {
  const { width, height, rgb, alpha } = tile;
  lines.fill(0, 0, width * height);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const [l, r, u, d] = [at - 1, at + 1, at - width, at + width];
      const reach = Math.max(alpha[l], alpha[r], alpha[u], alpha[d]);
      if (reach === 0) continue;
      const least = Math.min(alpha[l], alpha[r], alpha[u], alpha[d]);
      let change = reach - least;
      if (least > 0.5)
        for (let c = 0; c < 3; c++) {
          const across = Math.abs(rgb[r * 3 + c] - rgb[l * 3 + c]);
          const down = Math.abs(rgb[d * 3 + c] - rgb[u * 3 + c]);
          change = Math.max(change, across, down);
        }
      lines[at] = Math.max(0, Math.min(1, (change - 0.15) * 3));
    }
}

/** Changes the tile in place. */
export function applyStyle(tile: Tile, style: Style): void {
  if (style.outline > 0) findLines(tile);
  if (style !== PLAIN) recolor(tile, style);
  if (style.light !== undefined) illuminate(tile, style.light.strength, style.light.from);
  if (style.outline === 0) return;
  const count = tile.width * tile.height;
  for (let i = 0; i < count; i++) {
    const line = lines[i] * style.outline;
    if (line === 0) continue;
    const alpha = tile.alpha[i];
    const joined = line + alpha * (1 - line);
    for (let c = 0; c < 3; c++) tile.rgb[i * 3 + c] = (tile.rgb[i * 3 + c] * alpha * (1 - line)) / joined;
    tile.alpha[i] = joined;
  }
}
