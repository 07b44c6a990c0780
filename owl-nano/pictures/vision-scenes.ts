import { COLORS } from "../concepts/colors.ts";
import type { Sprite } from "../drawings/atlas.ts";
import { type Random, randomFor } from "../random.ts";
import { IMAGE_SIZE, type Placement, paintBackground, renderSprite, toBytes, type Wave } from "./scene.ts";
import { iconInks, PLAIN, randomStyle, type Style } from "./style.ts";

/** Side of a patch in pixels. */
export const PATCH_SIZE = 8;

/** A picture with a class for each patch, in reading order: 0…7 the background's color, then 8 + the sprite's label. */
export interface LabelledScene {
  readonly image: { readonly width: number; readonly height: number; readonly data: Uint8Array };
  readonly labels: Uint16Array;
}

/** What a random placement may vary. */
export interface PlacementRange {
  readonly size: readonly [number, number];
  readonly rotation: number;
  readonly stretch: number;
  /** Share of the style changes: 0 none at all, 1 all of them. */
  readonly style: number;
  /** How much the shape and colors of a design are varied, as if drawn again; not at all if absent. */
  readonly redrawing?: Redrawing | undefined;
  /** Whether the whole drawing must be in the picture. */
  readonly whole?: boolean;
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

type Reach = Omit<PlacementRange, "style" | "redrawing">;
const LARGE: Reach = { size: [34, 62], rotation: 0.3, stretch: 0.2 };
const MIDDLE: Reach = { size: [26, 42], rotation: 0.3, stretch: 0.2 };
const SMALL: Reach = { size: [21, 34], rotation: 0.25, stretch: 0.15 };

/** One of a thing's drawings, an icon this often: there are many, and they shall not crowd out what has color and shading. */
export function pickDesign(designs: readonly Sprite[], iconShare: number, random: Random): Sprite {
  const first = designs.findIndex(({ icon }) => icon);
  if (first <= 0) return random.pick(designs);
  const end = random.chance(iconShare) ? designs.length : first;
  const start = end === first ? 0 : first;
  return designs[start + random.integer(end - start)];
}

/** Draws where a sprite may go: inside the picture, at most a tenth of its length cut off. */
export function place(sprite: Sprite, range: PlacementRange, random: Random): Placement {
  const size = random.range(range.size[0], range.size[1]);
  const room = Math.max(0, IMAGE_SIZE / 2 - size * (range.whole ? 0.5 : 0.42));
  return {
    sprite,
    size,
    x: IMAGE_SIZE / 2 + random.range(-room, room),
    y: IMAGE_SIZE / 2 + random.range(-room, room),
    rotation: random.chance(0.5) ? random.range(-range.rotation, range.rotation) : 0,
    stretch: 1 + random.range(-range.stretch, range.stretch),
    mirrored: random.chance(0.5),
    ...(range.redrawing === undefined ? {} : redraw(range.redrawing, random)),
    style: styleOf(sprite, range, random),
  };
}

function styleOf({ inks }: Sprite, { style, redrawing }: PlacementRange, random: Random): Style {
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

function overlaps(a: Placement, b: Placement): boolean {
  const reach = (a.size + b.size) * 0.4;
  return Math.abs(a.x - b.x) < reach && Math.abs(a.y - b.y) < reach;
}

/** Up to `count` placements that do not lie upon each other; six attempts each. */
export function placeApart(sprites: readonly Sprite[], range: PlacementRange, random: Random): Placement[] {
  const placed: Placement[] = [];
  for (const sprite of sprites)
    for (let attempt = 0; attempt < 6; attempt++) {
      const candidate = place(sprite, range, random);
      if (placed.some((other) => overlaps(candidate, other))) continue;
      placed.push(candidate);
      break;
    }
  return placed;
}

function patchLabels(owner: Int8Array, placements: readonly Placement[], color: number): Uint16Array {
  const across = IMAGE_SIZE / PATCH_SIZE;
  const labels = new Uint16Array(across * across);
  const covered = new Int32Array(placements.length);
  for (let patch = 0; patch < labels.length; patch++) {
    covered.fill(0);
    const top = Math.floor(patch / across) * PATCH_SIZE;
    const left = (patch % across) * PATCH_SIZE;
    for (let y = top; y < top + PATCH_SIZE; y++)
      for (let x = left; x < left + PATCH_SIZE; x++) {
        const who = owner[y * IMAGE_SIZE + x];
        if (who >= 0) covered[who]++;
      }
    let best = -1;
    for (let i = 0; i < covered.length; i++)
      if (covered[i] >= 12 && (best < 0 || covered[i] > covered[best])) best = i;
    labels[patch] = best < 0 ? color : COLORS.length + placements[best].sprite.label;
  }
  return labels;
}

/** How much of the variety is shown. */
export interface Variety {
  /** How often a thing is none of the concepts. */
  readonly furtherShare: number;
  /** How often a thing that has icons is shown by one. */
  readonly iconShare: number;
  /** How much of the style changes. */
  readonly style: number;
  readonly redrawing?: Redrawing;
  /** How often a thing is alone in the picture. */
  readonly alone: number;
}

/** Parts of the examples, each from an index on; the first from 0. */
export type Curriculum = readonly { readonly from: number; readonly variety: Variety }[];

/**
 * Stage V's scenes: 1–4 things of random size, color and style on a named background. Classes are drawn evenly and then a design
 * of the class, so that a thing with many drawings is not seen more often than one with few.
 */
export class VisionScenes {
  readonly classes: number;
  readonly #concepts: readonly (readonly Sprite[])[];
  readonly #further: readonly (readonly Sprite[])[];
  readonly #seed: number;
  readonly #course: Curriculum;

  /**
   * @param sprites the training sprites
   * @param conceptCount labels below this are concepts
   * @param course how varied the examples are, by their index
   */
  constructor(sprites: readonly Sprite[], conceptCount: number, seed: number, course: Curriculum) {
    const byLabel: Sprite[][] = [];
    for (const sprite of sprites) {
      const designs = byLabel[sprite.label];
      if (designs === undefined) byLabel[sprite.label] = [sprite];
      else designs.push(sprite);
    }
    this.#concepts = byLabel.slice(0, conceptCount).filter((group) => group !== undefined);
    this.#further = byLabel.slice(conceptCount).filter((group) => group !== undefined);
    this.classes = COLORS.length + byLabel.length;
    this.#seed = seed;
    this.#course = course;
  }

  example(index: number): LabelledScene {
    const random = randomFor(this.#seed, "vision", index);
    const color = random.integer(COLORS.length);
    const { furtherShare, iconShare, style, redrawing, alone } = this.#course.findLast(
      ({ from }) => index >= from,
    )!.variety;
    const pick = (): Sprite => {
      const further = random.chance(furtherShare) && this.#further.length > 0;
      return pickDesign(random.pick(further ? this.#further : this.#concepts), iconShare, random);
    };
    const dice = random.next();
    const rest = (dice - alone) / (1 - alone);
    const count = dice < alone ? 1 : rest < 0.5 ? 2 : rest < 5 / 6 ? 3 : 4;
    const range = count === 1 ? LARGE : count === 2 ? MIDDLE : SMALL;
    const placements = placeApart(
      Array.from({ length: count }, pick),
      { ...range, style, redrawing },
      random,
    );
    const canvas = paintBackground(color, random);
    for (const [i, placement] of placements.entries()) renderSprite(canvas, placement, i);
    const data = toBytes(canvas, random);
    return {
      image: { width: IMAGE_SIZE, height: IMAGE_SIZE, data },
      labels: patchLabels(canvas.owner, placements, color),
    };
  }
}
