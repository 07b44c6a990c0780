import type { Concept } from "../concepts/concepts.ts";
import type { Sprite } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../texts/captions.ts";
import { thingsScene } from "./compose.ts";
import { type Picture, renderScene, type Supply } from "./drawn-scene.ts";
import { AS_DRAWN, REDRAWING, type Variation } from "./placement.ts";

export { greyPicture, type Picture } from "./drawn-scene.ts";

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
export const TRAINING_PICTURES: Variation = {
  ...AS_DRAWN,
  rotation: 0.25,
  stretch: 0.2,
  style: 0.7,
  redrawing: REDRAWING,
  iconShare: 0.25,
};
export const TEST_PICTURES: Variation = AS_DRAWN;

function supplyOf(designs: DesignsByConcept, variation: Variation): Supply {
  return { concepts: [], designs, further: [], countries: [], flags: new Map(), faces: [], variation };
}

/** Draws a scene with one random design of each thing, left to right. */
export function renderPicture(
  scene: Scene,
  designs: DesignsByConcept,
  variation: Variation,
  random: Random,
): Picture {
  const studio = { supply: supplyOf(designs, variation), size: 64, random };
  const subjects = scene.things.map((concept: Concept) => ({ kind: "concept" as const, concept }));
  return renderScene(thingsScene(studio, subjects, scene.color), random);
}

/** Draws this very sprite on a background of this color. */
export function renderSprites(
  sprites: readonly Sprite[],
  concept: Concept,
  color: number,
  random: Random,
): Picture {
  const designs = new Map([[concept.index, sprites]]);
  return renderPicture({ things: [concept], color }, designs, TEST_PICTURES, random);
}
