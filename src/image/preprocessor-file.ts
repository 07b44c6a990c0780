import type { z } from "zod";
import type { Resample } from "./resize.ts";

/** Rows and columns of tiles that a picture is cut into. */
export type TileGrid = readonly [rows: number, columns: number];

/** How pictures become the vision encoder's input. */
export interface Preprocessor {
  /** Side of the square input in pixels. */
  readonly size: number;
  /** Mean of each channel, in units of the full range. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation of each channel, in the same units. */
  readonly std: readonly [number, number, number];
  /**
   * How another shape becomes the square: squeezed, its aspect not kept (the default); scaled by its shorter edge and cut in
   * the middle, as the video version of the model was taught (`crop`); or by way of a square of its longer side, to which it
   * is squeezed (`stretch`) or in whose middle it lies (`pad`), as mPLUG-Owl2 was taught.
   */
  readonly fit?: "squeeze" | "crop" | "stretch" | "pad";
  /** How pixels of another size are made; absent: bicubic, as published for mPLUG-Owl. */
  readonly resample?: Resample;
  /** What the shorter edge (`crop`) or both (`squeeze`) become before the middle is cut out. Absent: `size`. */
  readonly edge?: number;
  /** Factor on the levels of 0 to 255. Absent: 1/255. */
  readonly rescale?: number;
  /** Whether pictures are resized as numbers behind the rescaling (DINOv3), not as bytes in front of it. */
  readonly resizesNumbers?: boolean;
  /** The grids that a picture is cut by, of which the one that fits it best is taken. Absent: pictures are read whole. */
  readonly grids?: readonly TileGrid[];
  /** Whether a picture becomes several: a grid of squares that fits its shape, and the whole (mPLUG-Owl3). */
  readonly cuts?: true;
}

// What the readers of preprocessor_config.json share.

/** A value for messages. */
export const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 40);

/** A file's settings without nulls, which mean the default. */
export function withoutNulls(json: unknown): Record<string, unknown> | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

/** What a schema says of a file, a line each. */
export function problemsOf(error: z.ZodError | undefined, json: unknown): string[] {
  return (error?.issues ?? []).map(({ path, message }) => {
    const value = path.reduce((inside: unknown, key) => Object(inside)[key], json);
    return `${path.join(".") || "the file"}: ${message.replace(/^Invalid input: /, "")}, got ${shown(value)}`;
  });
}
