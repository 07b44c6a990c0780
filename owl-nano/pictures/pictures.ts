import type { Sprite } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../texts/captions.ts";
import { IMAGE_SIZE, type Placement, paintBackground, renderSprite, toBytes } from "./scene.ts";
import { type PlacementRange, pickDesign, place, REDRAWING } from "./vision-scenes.ts";

/** RGB, rows from the top; the shape of `RgbImage` of `src/image`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Sprites by concept. */
export type DesignsByConcept = ReadonlyMap<number, readonly Sprite[]>;

/** Groups sprites by their concept, leaving out emoji beyond the concepts. */
export function groupDesigns(sprites: readonly Sprite[], conceptCount: number): DesignsByConcept {
  const byConcept = new Map<number, Sprite[]>();
  for (const sprite of sprites) {
    if (sprite.label >= conceptCount) continue;
    const designs = byConcept.get(sprite.label);
    if (designs === undefined) byConcept.set(sprite.label, [sprite]);
    else designs.push(sprite);
  }
  return byConcept;
}

/** Training pictures vary; test pictures show the drawing as it is. */
export const TRAINING_PICTURES: PlacementRange = {
  size: [30, 60],
  rotation: 0.25,
  stretch: 0.2,
  style: 0.7,
  redrawing: REDRAWING,
};
export const TEST_PICTURES: PlacementRange = {
  size: [36, 58],
  rotation: 0,
  stretch: 0,
  style: 0,
  whole: true,
};

/** How often a thing that has icons is shown by one. */
const ICON_SHARE = 0.25;

const PAIR_SIZE: readonly [number, number] = [25, 32];

function placeScene(sprites: readonly Sprite[], range: PlacementRange, random: Random): Placement[] {
  if (sprites.length === 1) return [place(sprites[0], range, random)];
  return sprites.map((sprite, side) => {
    const size = random.range(PAIR_SIZE[0], PAIR_SIZE[1]);
    const middle = ((2 * side + 1) * IMAGE_SIZE) / 4;
    return {
      ...place(sprite, range, random),
      size,
      x: middle + random.range(-2, 2),
      y: IMAGE_SIZE / 2 + random.range(-12, 12),
    };
  });
}

/** Draws a scene with one random design of each thing, left to right. */
export function renderPicture(
  scene: Scene,
  designs: DesignsByConcept,
  range: PlacementRange,
  random: Random,
): Picture {
  const sprites = scene.things.map((thing) => {
    const choices = designs.get(thing.index);
    if (choices === undefined)
      throw new Error(`pictures: at least one drawing of "${thing.name}" is needed, got none`);
    return pickDesign(choices, ICON_SHARE, random);
  });
  return renderSprites(sprites, scene.color, range, random);
}

/** Draws these very sprites on a background of this color. */
export function renderSprites(
  sprites: readonly Sprite[],
  color: number,
  range: PlacementRange,
  random: Random,
): Picture {
  const canvas = paintBackground(color, random);
  for (const [i, placement] of placeScene(sprites, range, random).entries())
    renderSprite(canvas, placement, i);
  return { width: IMAGE_SIZE, height: IMAGE_SIZE, data: toBytes(canvas, random) };
}

/** An even grey: what a blind owl sees. */
export function greyPicture(): Picture {
  return {
    width: IMAGE_SIZE,
    height: IMAGE_SIZE,
    data: new Uint8Array(IMAGE_SIZE * IMAGE_SIZE * 3).fill(128),
  };
}
