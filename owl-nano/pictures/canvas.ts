import { shade } from "../concepts/colors.ts";
import { SPRITE_SIZE, type Sprite } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import { applyStyle, type Style } from "./style.ts";
import { type Tile, tileFor } from "./tile.ts";

/** Where and how one sprite is drawn. */
export interface Placement {
  readonly sprite: Sprite;
  /** Centre, pixels. */
  readonly x: number;
  readonly y: number;
  /** Longer edge, pixels. */
  readonly size: number;
  /** Radians. */
  readonly rotation: number;
  /** Height to width, 1 = as drawn. */
  readonly stretch: number;
  readonly mirrored: boolean;
  /** Waves that bend the drawing sideways and upwards; straight if absent. */
  readonly bend?: { readonly across: Wave; readonly down: Wave } | undefined;
  /** Drawn from the sprite at half size, without its fine details. */
  readonly coarse?: boolean;
  /** A round part that is not drawn; in parts of the drawing's size. */
  readonly hole?: { readonly x: number; readonly y: number; readonly radius: number } | undefined;
  readonly style: Style;
}

/** A sine over the drawing's height or width. */
export interface Wave {
  /** Part of the drawing's size. */
  readonly amplitude: number;
  /** Waves over the whole drawing. */
  readonly count: number;
  /** Radians. */
  readonly phase: number;
}

/** A picture being composed: linear RGB planes would gain nothing here, so plain sRGB in 0…1, interleaved. */
export interface Canvas {
  /** Side in pixels. */
  readonly size: number;
  readonly rgb: Float32Array;
  /** What covers the pixel, as numbered by whoever paints; −1 = background. */
  readonly owner: Int16Array;
}

/** An even background or, in a third of the cases, a vertical gradient between two shades of one color. */
export function paintBackground(size: number, color: number, random: Random): Canvas {
  const rgb = new Float32Array(size * size * 3);
  const top = shade(color, random);
  const bottom = random.chance(0.33) ? shade(color, random) : top;
  for (let y = 0, at = 0; y < size; y++) {
    const t = y / (size - 1);
    const red = top[0] + (bottom[0] - top[0]) * t;
    const green = top[1] + (bottom[1] - top[1]) * t;
    const blue = top[2] + (bottom[2] - top[2]) * t;
    for (let x = 0; x < size; x++) {
      rgb[at++] = red;
      rgb[at++] = green;
      rgb[at++] = blue;
    }
  }
  return { size, rgb, owner: new Int16Array(size * size).fill(-1) };
}

/** A rectangle with round corners in one color, as a sign or a sheet of paper. */
export interface Plate {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Radius of the corners, pixels. */
  readonly radius: number;
  readonly rgb: readonly [number, number, number];
}

/** Paints a plate; `index` marks the pixels that it covers. */
export function paintPlate({ size, rgb, owner }: Canvas, plate: Plate, index: number): void {
  const { left, top, right, bottom, radius } = plate;
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(size, bottom); y++)
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(size, right); x++) {
      const outX = Math.max(left + radius - x - 0.5, x + 0.5 - right + radius, 0);
      const outY = Math.max(top + radius - y - 0.5, y + 0.5 - bottom + radius, 0);
      if (outX * outX + outY * outY > radius * radius && radius > 0) continue;
      const pixel = y * size + x;
      for (let c = 0; c < 3; c++) rgb[pixel * 3 + c] = plate.rgb[c];
      owner[pixel] = index;
    }
}

/** The wave's shift at each of `edge` rows or columns, in pixels of a source of this side. */
function shifts(wave: Wave | undefined, edge: number, side: number): Float32Array {
  const shift = new Float32Array(edge);
  if (wave === undefined) return shift;
  for (let i = 0; i < edge; i++)
    shift[i] = side * wave.amplitude * Math.sin((2 * Math.PI * wave.count * i) / edge + wave.phase);
  return shift;
}

/** Samples the sprite into a tile of the size it will have in the picture. */
function rasterise(placement: Placement): Tile {
  const { sprite, size, rotation, stretch, mirrored } = placement;
  const small = placement.coarse === true || size < SPRITE_SIZE * 0.6;
  const source = small ? sprite.half : sprite.pixels;
  const side = small ? SPRITE_SIZE / 2 : SPRITE_SIZE;
  const step = side / size;
  const cos = Math.cos(rotation) * step;
  const sin = Math.sin(rotation) * step;
  const reach = Math.abs(Math.cos(rotation)) + Math.abs(Math.sin(rotation));
  // Two pixels around, where an outline may go.
  const edge = Math.ceil(size * reach * Math.max(1, stretch)) + 4;
  const tile = tileFor(edge, edge);
  const middle = (edge - 1) / 2;
  const centre = (side - 1) / 2;
  const { rgb, alpha } = tile;
  const across = shifts(placement.bend?.across, edge, side);
  const down = shifts(placement.bend?.down, edge, side);
  for (let y = 0, at = 0; y < edge; y++) {
    const dy = (y - middle) / stretch;
    for (let x = 0; x < edge; x++, at++) {
      const dx = mirrored ? middle - x : x - middle;
      const u = centre + dx * cos + dy * sin + across[y];
      const v = centre - dx * sin + dy * cos + down[x];
      if (u <= -1 || v <= -1 || u >= side || v >= side) {
        alpha[at] = 0;
        continue;
      }
      const u0 = Math.floor(u);
      const v0 = Math.floor(v);
      const fu = u - u0;
      const fv = v - v0;
      let [r, g, b, a] = [0, 0, 0, 0];
      for (let corner = 0; corner < 4; corner++) {
        const px = u0 + (corner & 1);
        const py = v0 + (corner >> 1);
        if (px < 0 || py < 0 || px >= side || py >= side) continue;
        const weight = ((corner & 1) === 1 ? fu : 1 - fu) * (corner >> 1 === 1 ? fv : 1 - fv);
        const from = (py * side + px) * 4;
        r += weight * source[from];
        g += weight * source[from + 1];
        b += weight * source[from + 2];
        a += weight * source[from + 3];
      }
      if (a < 2) {
        alpha[at] = 0;
        continue;
      }
      alpha[at] = a / 255;
      rgb[at * 3] = r / a;
      rgb[at * 3 + 1] = g / a;
      rgb[at * 3 + 2] = b / a;
    }
  }
  return tile;
}

function punch({ width, height, alpha }: Tile, hole: { x: number; y: number; radius: number }): void {
  const [x0, y0, reach] = [hole.x * width, hole.y * height, hole.radius * width];
  for (let y = Math.max(0, Math.floor(y0 - reach)); y < Math.min(height, y0 + reach); y++)
    for (let x = Math.max(0, Math.floor(x0 - reach)); x < Math.min(width, x0 + reach); x++)
      if ((x - x0) ** 2 + (y - y0) ** 2 < reach * reach) alpha[y * width + x] = 0;
}

/** Draws one sprite; `index` marks the pixels that it covers. */
export function renderSprite(canvas: Canvas, placement: Placement, index: number): void {
  const tile = rasterise(placement);
  applyStyle(tile, placement.style);
  if (placement.hole !== undefined) punch(tile, placement.hole);
  const left = Math.round(placement.x - tile.width / 2);
  const top = Math.round(placement.y - tile.height / 2);
  const { size } = canvas;
  for (let y = Math.max(0, -top); y < tile.height && top + y < size; y++)
    for (let x = Math.max(0, -left); x < tile.width && left + x < size; x++) {
      const from = y * tile.width + x;
      const alpha = tile.alpha[from];
      if (alpha === 0) continue;
      const pixel = (top + y) * size + left + x;
      for (let c = 0; c < 3; c++) {
        const under = canvas.rgb[pixel * 3 + c];
        canvas.rgb[pixel * 3 + c] = under + (tile.rgb[from * 3 + c] - under) * alpha;
      }
      if (alpha > 0.5) canvas.owner[pixel] = index;
    }
}

/** Blurs a little, adds noise, rounds to bytes. */
export function toBytes(canvas: Canvas, random: Random): Uint8Array {
  const rgb = random.chance(0.12) ? blur(canvas) : canvas.rgb;
  const noise = random.chance(0.4) ? random.range(0, 0.05) * 255 : 0;
  const bytes = new Uint8Array(rgb.length);
  let state = random.integer(0x7fffffff);
  for (let i = 0; i < bytes.length; i++) {
    let value = rgb[i] * 255 + 0.5;
    if (noise > 0) {
      // A linear congruential step a pixel: grain needs speed more than quality. Two halves of it add up to a triangle.
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      value += noise * (((state >>> 16) + (state & 0xffff)) / 65536 - 1);
    }
    bytes[i] = Math.max(0, Math.min(255, value));
  }
  return bytes;
}

function blur({ size, rgb }: Canvas): Float32Array {
  const out = new Float32Array(rgb.length);
  const row = size * 3;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++) {
        const at = y * row + x * 3 + c;
        const left = x > 0 ? at - 3 : at;
        const right = x < size - 1 ? at + 3 : at;
        const up = y > 0 ? at - row : at;
        const down = y < size - 1 ? at + row : at;
        out[at] = rgb[at] * 0.5 + (rgb[left] + rgb[right] + rgb[up] + rgb[down]) * 0.125;
      }
  return out;
}
