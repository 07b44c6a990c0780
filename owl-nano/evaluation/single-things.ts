import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { thingsScene } from "../pictures/compose.ts";
import { type Picture, renderScene, type Supply } from "../pictures/drawn-scene.ts";
import { randomFor } from "../random.ts";

/** A picture of one thing. */
export interface SingleThing {
  readonly concept: Concept;
  /** Index into `COLORS` of the background. */
  readonly background: number;
  readonly picture: Picture;
}

/** Pictures of one thing each, every thing in turn, for stages that cannot be asked yet. */
export function singleThings(supply: Supply, count: number, size: number): SingleThing[] {
  return Array.from({ length: count }, (_, index) => {
    const random = randomFor(20230428, "single things", index);
    const concept = supply.concepts[index % supply.concepts.length];
    const background = random.integer(COLORS.length);
    const scene = thingsScene({ supply, size, random }, [{ kind: "concept", concept }], background);
    return { concept, background, picture: renderScene(scene, random) };
  });
}
