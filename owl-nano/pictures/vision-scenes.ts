import { type Random, randomFor } from "../random.ts";
import {
  type ClassTable,
  type DrawnScene,
  type RenderedScene,
  renderLabelled,
  type Supply,
} from "./drawn-scene.ts";
import type { Variation } from "./placement.ts";
import { type SceneSource, sampleScene } from "./sample-scene.ts";

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
function phaseAt(curriculum: Curriculum, index: number): Phase {
  return curriculum.findLast(({ from }) => index >= from)!;
}

/** Scenes that a curriculum samples. */
export interface CurriculumScenes {
  readonly supply: Supply;
  readonly words: readonly string[];
  readonly curriculum: Curriculum;
  /** Side of the pictures, pixels. */
  readonly size: number;
  readonly seed: number;
  /** The stage, so that two with one seed differ. */
  readonly stream: string;
}

/** A scene, and the random stream that goes on where the scene's ended. */
export interface SampledScene {
  readonly scene: DrawnScene;
  readonly random: Random;
}

/** Scene `index` of a stage. */
export function curriculumScene(scenes: CurriculumScenes, index: number): SampledScene {
  const { seed, stream, words, size } = scenes;
  const random = randomFor(seed, stream, index);
  const { variation, source } = phaseAt(scenes.curriculum, index);
  const supply = { ...scenes.supply, variation };
  return { scene: sampleScene({ supply, size, random }, { ...source, words }), random };
}

/** Example `index` of the vision stage: a picture with a class for each patch. */
export function visionExample(
  { classes, ...scenes }: Omit<CurriculumScenes, "stream"> & { readonly classes: ClassTable },
  index: number,
): RenderedScene {
  const { scene, random } = curriculumScene({ ...scenes, stream: "vision" }, index);
  return renderLabelled(scene, classes, random);
}
