import type { Sprite } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import type { Placement, Wave } from "./canvas.ts";
import { iconInks, PLAIN, randomStyle, type Style } from "./style.ts";

/** How much drawings vary. */
export interface Variation {
  /** Largest rotation, radians. */
  readonly rotation: number;
  /** Largest change of height to width. */
  readonly stretch: number;
  /** Share of the style changes: 0 none at all, 1 all of them. */
  readonly style: number;
  /** How much the shape and colors of a design are varied, as if drawn again; not at all if absent. */
  readonly redrawing?: Redrawing | undefined;
  /** Whether the whole drawing must be in the picture; else a tenth of its length may be cut off. */
  readonly whole: boolean;
  /** How often a thing that has icons is shown by one. */
  readonly iconShare: number;
}

/** Makes one design into many. */
export interface Redrawing {
  /** Largest bend, as a part of the drawing's size. */
  readonly bend: number;
  /** How often fine details are left out. */
  readonly coarse: number;
  /** How far each of red, green and blue may be off. */
  readonly tint: number;
  /** How often a part of the drawing is covered. */
  readonly covered: number;
}

/** Enough to look drawn by another hand, little enough to be known again. */
export const REDRAWING: Redrawing = { bend: 0.07, coarse: 0.25, tint: 0.25, covered: 0.2 };

/** The drawing as it is. */
export const AS_DRAWN: Variation = { rotation: 0, stretch: 0, style: 0, whole: true, iconShare: 0 };

/** One of a thing's drawings, an icon this often: there are many, and they shall not crowd out what has color and shading. */
export function pickDesign(designs: readonly Sprite[], iconShare: number, random: Random): Sprite {
  const first = designs.findIndex(({ icon }) => icon);
  if (first <= 0) return random.pick(designs);
  const end = random.chance(iconShare) ? designs.length : first;
  const start = end === first ? 0 : first;
  return designs[start + random.integer(end - start)];
}

/** A sprite with its middle at a point, this large, in a random style. */
export function placeAt(
  sprite: Sprite,
  { x, y, size }: { readonly x: number; readonly y: number; readonly size: number },
  variation: Variation,
  random: Random,
): Placement {
  return {
    sprite,
    size,
    x,
    y,
    rotation: random.chance(0.5) ? random.range(-variation.rotation, variation.rotation) : 0,
    stretch: 1 + random.range(-variation.stretch, variation.stretch),
    mirrored: random.chance(0.5),
    ...(variation.redrawing === undefined ? {} : redraw(variation.redrawing, random)),
    style: styleOf(sprite, variation, random),
  };
}

function styleOf({ inks }: Sprite, { style, redrawing }: Variation, random: Random): Style {
  const own = style === 0 ? PLAIN : randomStyle(random, style, redrawing?.tint);
  return inks === undefined ? own : { ...own, inks: iconInks(inks, random) };
}

function redraw(
  { bend, coarse, covered }: Redrawing,
  random: Random,
): Pick<Placement, "bend" | "coarse" | "hole"> {
  const wave = (): Wave => ({
    amplitude: random.range(0, bend),
    count: random.range(0.5, 1.5),
    phase: random.range(0, 2 * Math.PI),
  });
  const hole = random.chance(covered)
    ? { x: random.next(), y: random.next(), radius: random.range(0.12, 0.25) }
    : undefined;
  return { bend: { across: wave(), down: wave() }, coarse: random.chance(coarse), hole };
}

/** A flag is never mirrored, bent or recolored. */
export function placeFlag(
  sprite: Sprite,
  { x, y, size }: { readonly x: number; readonly y: number; readonly size: number },
  random: Random,
): Placement {
  const rotation = random.chance(0.3) ? random.range(-0.15, 0.15) : 0;
  return {
    sprite,
    size,
    x,
    y,
    rotation,
    stretch: 1 + random.range(-0.1, 0.1),
    mirrored: false,
    style: PLAIN,
  };
}
