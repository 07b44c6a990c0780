import { type Random, randomFor } from "../random.ts";
import { type ClassTable, type RenderedScene, renderLabelled, type Supply } from "./drawn-scene.ts";
import type { Variation } from "./placement.ts";
import type { SceneSource } from "./sample-scene.ts";
import { sampleScene } from "./sample-scene.ts";

/** What a stage sees, from an example on. */
export interface Phase {
  /** The first example of the phase. */
  readonly from: number;
  readonly variation: Variation;
  readonly source: Omit<SceneSource, "words" | "document">;
}

/** Phases one after the other; the first from 0. */
export type Curriculum = readonly Phase[];

/** The phase of an example. */
export function phaseAt(curriculum: Curriculum, index: number): Phase {
  return curriculum.findLast(({ from }) => index >= from)!;
}

/** Pictures with a class for each patch. */
export interface VisionScenes {
  readonly supply: Supply;
  readonly words: readonly string[];
  readonly classes: ClassTable;
  readonly curriculum: Curriculum;
  /** Side of the pictures, pixels. */
  readonly size: number;
  readonly seed: number;
}

/** Example `index` of the vision stage. */
export function visionExample(scenes: VisionScenes, index: number): RenderedScene {
  const random: Random = randomFor(scenes.seed, "vision", index);
  const { variation, source } = phaseAt(scenes.curriculum, index);
  const supply = { ...scenes.supply, variation };
  const scene = sampleScene({ supply, size: scenes.size, random }, { ...source, words: scenes.words });
  return renderLabelled(scene, scenes.classes, random);
}
