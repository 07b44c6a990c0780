import { COLORS } from "../concepts/colors.ts";

const indexOf = (name: string): number => COLORS.findIndex((color) => color.name === name);
const [WHITE, GRAY, RED, YELLOW, GREEN, BLUE, PURPLE, PINK, ORANGE, BROWN, BLACK] = [
  "white gray red yellow green blue purple pink orange brown black",
]
  .flatMap((names) => names.split(" "))
  .map(indexOf);

/** The color that people would call this: RGB in 0…1; −1 where they would not agree. */
function named(r: number, g: number, b: number): number {
  const value = Math.max(r, g, b);
  const range = value - Math.min(r, g, b);
  const saturation = value === 0 ? 0 : range / value;
  if (value < 0.2) return BLACK;
  if (saturation < 0.13) return value > 0.88 ? WHITE : value < 0.82 ? GRAY : -1;
  const sector = value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  const hue = ((sector * 60 + 360) % 360) as number;
  if (hue < 12 || hue > 345) return saturation > 0.55 ? (value < 0.4 ? -1 : RED) : value > 0.75 ? PINK : -1;
  if (hue < 42) {
    if (value < 0.68 || (saturation < 0.55 && value < 0.8)) return BROWN;
    return hue > 18 && hue < 39 && saturation > 0.65 && value > 0.85 ? ORANGE : -1;
  }
  if (hue < 66) return value > 0.75 && saturation > 0.35 ? YELLOW : -1;
  if (hue > 78 && hue < 165) return GREEN;
  if (hue > 190 && hue < 245) return BLUE;
  if (hue > 258 && hue < 295) return PURPLE;
  if (hue > 310) return value > 0.7 ? PINK : -1;
  return -1;
}

/** How much of a drawing its color must cover, and how much of it any other may. */
const LEAST = 0.5;
const MOST_OTHER = 0.25;

/**
 * The one color of a drawing: the name that fits most of its opaque pixels, where black and white lines count little; undefined
 * where there is no such color.
 *
 * @param pixels RGBA, premultiplied
 */
export function dominantColor(pixels: Uint8Array): number | undefined {
  const counts = new Float64Array(COLORS.length + 1);
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3];
    if (alpha < 200) continue;
    const color = named(pixels[at] / alpha, pixels[at + 1] / alpha, pixels[at + 2] / alpha);
    counts[color < 0 ? COLORS.length : color]++;
  }
  // Outlines, eyes and lights are black and white in drawings of any color.
  for (const line of [BLACK, WHITE]) counts[line] *= 0.6;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const order = [...COLORS.keys()].sort((a, b) => counts[b] - counts[a]);
  const [first, second] = order;
  return counts[first] >= LEAST * total && counts[second] <= MOST_OTHER * total ? first : undefined;
}
