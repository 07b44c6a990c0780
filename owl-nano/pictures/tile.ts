/** A small picture with transparency, straight (not premultiplied) color in 0…1. */
export interface Tile {
  readonly width: number;
  readonly height: number;
  readonly rgb: Float32Array;
  readonly alpha: Float32Array;
}

/** Pixels of the largest tile: a turned drawing that fills a picture of 192 pixels. */
export const CAPACITY = 320 * 320;
const rgb = new Float32Array(CAPACITY * 3);
const alpha = new Float32Array(CAPACITY);

/** The one scratch tile, at this size; its contents last until the next call, so that drawing allocates nothing. */
export function tileFor(width: number, height: number): Tile {
  if (width * height > CAPACITY)
    throw new Error(
      `tile: at most ${CAPACITY} pixels are possible, got ${width} x ${height}; draw the sprite smaller`,
    );
  return { width, height, rgb, alpha };
}
