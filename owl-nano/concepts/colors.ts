import type { Random } from "../random.ts";

/** A color that owl-nano can name: ranges of hue (degrees), saturation and value. */
interface NamedColor {
  readonly name: string;
  readonly hue: readonly [number, number];
  readonly saturation: readonly [number, number];
  readonly value: readonly [number, number];
}

/** The colors of backgrounds and of things. The ranges leave gaps between neighbours, so that a name is never a matter of taste. */
export const COLORS: readonly NamedColor[] = [
  { name: "white", hue: [0, 360], saturation: [0, 0.04], value: [0.94, 1] },
  { name: "gray", hue: [0, 360], saturation: [0, 0.06], value: [0.45, 0.78] },
  { name: "red", hue: [-8, 10], saturation: [0.65, 1], value: [0.65, 1] },
  { name: "yellow", hue: [44, 62], saturation: [0.4, 1], value: [0.88, 1] },
  { name: "green", hue: [92, 150], saturation: [0.3, 0.95], value: [0.5, 0.95] },
  { name: "blue", hue: [200, 236], saturation: [0.35, 1], value: [0.6, 1] },
  { name: "purple", hue: [264, 288], saturation: [0.35, 0.9], value: [0.5, 0.92] },
  { name: "pink", hue: [322, 346], saturation: [0.22, 0.55], value: [0.92, 1] },
  { name: "orange", hue: [22, 34], saturation: [0.75, 1], value: [0.9, 1] },
  { name: "brown", hue: [14, 32], saturation: [0.45, 0.8], value: [0.28, 0.55] },
  { name: "black", hue: [0, 360], saturation: [0, 0.3], value: [0, 0.13] },
];

/** Index of the background of a picture as people mostly have it. */
export const WHITE = 0;

/** RGB in 0…1 of a hue in degrees, a saturation and a value. */
export function toRgb(hue: number, saturation: number, value: number): [number, number, number] {
  const channel = (n: number): number => {
    const k = (n + (hue + 360) / 60) % 6;
    return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

/** A shade that bears the color's name: RGB in 0…1. */
export function shade(color: number, random: Random): [number, number, number] {
  const { hue, saturation, value } = COLORS[color];
  return toRgb(
    random.range(hue[0], hue[1]),
    random.range(saturation[0], saturation[1]),
    random.range(value[0], value[1]),
  );
}
