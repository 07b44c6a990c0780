import { BASELINE, BEARING, CELL, EM, type Face } from "../drawings/glyphs.ts";
import type { Canvas } from "./canvas.ts";

/** A line of text as it is drawn. */
export interface Lettering {
  readonly face: Face;
  /** As drawn: capitals or small letters. */
  readonly text: string;
  /** Size of the em in pixels. */
  readonly size: number;
  /** Where the first advance begins, and the baseline, pixels. */
  readonly x: number;
  readonly baseline: number;
  /** Space between letters beyond their advance, pixels. */
  readonly spacing: number;
  /** Turned about its own beginning, radians. */
  readonly rotation: number;
  readonly rgb: readonly [number, number, number];
}

/** The width of a text, pixels. */
export function widthOf({
  face,
  text,
  size,
  spacing,
}: Pick<Lettering, "face" | "text" | "size" | "spacing">): number {
  return [...text].reduce((sum, character) => sum + advance(face, character, size) + spacing, -spacing);
}

function advance(face: Face, character: string, size: number): number {
  return (face.advances[character] * size) / EM;
}

/** Where each character's middle is on the line, before it is turned: pixels from the left. */
export function centersOf(line: Lettering): number[] {
  let x = line.x;
  return [...line.text].map((character) => {
    const width = advance(line.face, character, line.size);
    const center = x + width / 2;
    x += width + line.spacing;
    return center;
  });
}

/** The middle of a line's capitals: pixels from the top. */
export function middleOf({ face, size, baseline }: Lettering): number {
  return baseline - (face.capHeight * size) / EM / 2;
}

/** Draws a line; `indexOf` numbers the pixels that each character covers. */
export function renderLettering(
  canvas: Canvas,
  line: Lettering,
  indexOf: (character: string) => number,
): void {
  let along = 0;
  for (const character of line.text) {
    if (character !== " ") renderGlyph(canvas, line, character, along, indexOf(character));
    along += advance(line.face, character, line.size) + line.spacing;
  }
}

/** Ink that counts as covering a pixel. */
const COVERED = 0.4;

function renderGlyph(canvas: Canvas, line: Lettering, character: string, along: number, index: number): void {
  const { face, size: em, rotation, rgb } = line;
  const small = em < EM * 0.7;
  const mask = small ? face.half(character) : face.mask(character);
  const side = small ? CELL / 2 : CELL;
  const scale = (em / EM) * (small ? 2 : 1);
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [originX, originY] = [(BEARING * side) / CELL, (BASELINE * side) / CELL];
  const reach = side * scale * 1.2;
  const startX = line.x + along * cos;
  const startY = line.baseline + along * sin;
  const { size } = canvas;
  for (let y = Math.max(0, Math.floor(startY - reach)); y < Math.min(size, startY + reach / 2); y++)
    for (let x = Math.max(0, Math.floor(startX - reach / 3)); x < Math.min(size, startX + reach); x++) {
      const [dx, dy] = [x + 0.5 - startX, y + 0.5 - startY];
      const u = (dx * cos + dy * sin) / scale + originX - 0.5;
      const v = (dy * cos - dx * sin) / scale + originY - 0.5;
      const alpha = sampled(mask, side, u, v) / 255;
      if (alpha <= 0.01) continue;
      const pixel = y * size + x;
      for (let c = 0; c < 3; c++) {
        const under = canvas.rgb[pixel * 3 + c];
        canvas.rgb[pixel * 3 + c] = under + (rgb[c] - under) * alpha;
      }
      if (alpha > COVERED) canvas.owner[pixel] = index;
    }
}

function sampled(mask: Uint8Array, side: number, u: number, v: number): number {
  const [x, y] = [Math.floor(u), Math.floor(v)];
  if (x < 0 || y < 0 || x >= side - 1 || y >= side - 1) return 0;
  const [fx, fy] = [u - x, v - y];
  const at = y * side + x;
  return (
    (mask[at] * (1 - fx) + mask[at + 1] * fx) * (1 - fy) +
    (mask[at + side] * (1 - fx) + mask[at + side + 1] * fx) * fy
  );
}
