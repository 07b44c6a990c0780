import type { DenseExample, DenseSource, Source } from "../../src/data/index.ts";
import { type Concept, readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { readWords } from "../concepts/words.ts";
import { type Atlas, loadAtlas, renderAtlas } from "../drawings/atlas.ts";
import { loadFaces } from "../drawings/glyphs.ts";
import { divide, readSplits, type SplitSprites } from "../drawings/splits.ts";
import { type ClassTable, classTable, type DrawnScene, renderLabelled } from "../pictures/drawn-scene.ts";
import { type Drawings, trainingSupply } from "../pictures/supplies.ts";
import { type CurriculumScenes, curriculumScene, visionExample } from "../pictures/vision-scenes.ts";
import type { Random } from "../random.ts";
import { splitWords } from "../scenes/held-out.ts";
import { nameWord, notesOf } from "../scenes/notes.ts";
import { type Lessons, OWL_NANO_LESSONS } from "./lessons.ts";
import type { Notes } from "./note-tokens.ts";

/** What every generator draws from. */
export interface Material {
  readonly atlas: Atlas;
  readonly sprites: SplitSprites;
  readonly concepts: readonly Concept[];
  readonly drawings: Drawings;
  readonly lessons: Lessons;
}

/** Loads the pictures and concepts, divided by the committed splits; all of them, or those of these concepts alone. */
export async function loadMaterial(only?: readonly string[], lessons = OWL_NANO_LESSONS): Promise<Material> {
  const atlas = only === undefined ? await loadAtlas() : await renderAtlas(only);
  const sprites = divide(atlas, readSplits());
  const concepts = readConcepts().filter(({ name }) => only?.includes(name) ?? true);
  const faces = await loadFaces();
  // Flags are no concepts.
  const countries = only === undefined ? readCountries() : [];
  const drawings = { atlas, sprites, concepts, countries, faces };
  return { atlas, sprites, concepts, drawings, lessons };
}

/** Examples that never end. */
export function endless<T>(example: (index: number) => T): Source<T> {
  return { length: Number.POSITIVE_INFINITY, example };
}

/** The words that things and flags have in notes. */
export function nameWords({ concepts, drawings }: Material): string[] {
  return [...new Set([...concepts, ...drawings.countries].map((named) => nameWord(named)))];
}

/** Words that may be written in training pictures. */
export const trainingWords = (): string[] => splitWords(readWords()).train;

/** What the vision and the reading stage sample their scenes from. */
export function stageScenes(
  { drawings, lessons }: Material,
  {
    stage,
    size,
    seed,
  }: { readonly stage: "vision" | "layout" | "reading"; readonly size: number; readonly seed: number },
): CurriculumScenes {
  const supply = trainingSupply(drawings);
  return { supply, words: trainingWords(), curriculum: lessons[stage], stream: stage, size, seed };
}

/** The vision stage: small pictures with a class for each patch. */
export function visionSource(
  material: Material,
  size: number,
  seed: number,
): DenseSource & { readonly classes: ClassTable } {
  const classes = classTable(material.atlas.labels.length);
  const scenes = stageScenes(material, { stage: "vision", size, seed });
  const source = endless((index): DenseExample => {
    const { picture, labels } = visionExample({ ...scenes, classes }, index);
    return { image: picture, labels };
  });
  return { ...source, classes };
}

/** A picture of the reading stages. */
export interface ReadExample extends DenseExample {
  readonly scene: DrawnScene;
  readonly notes: Notes;
  /** Which thing of the scene covers each patch; −1 where none does. */
  readonly things: Int16Array;
  /** Goes on where the picture's ended. */
  readonly random: Random;
}

/** The layout and the reading stage: pictures with a class for each patch and a note for each cell. */
export function readingSource(
  material: Material,
  of: { readonly stage: "layout" | "reading"; readonly size: number; readonly seed: number },
): Source<ReadExample> & { readonly classes: number } {
  const classes = classTable(material.atlas.labels.length);
  const scenes = stageScenes(material, of);
  const source = endless((index): ReadExample => {
    const { scene, random } = curriculumScene(scenes, index);
    const { picture, labels, things } = renderLabelled(scene, classes, random);
    return { image: picture, labels, things, scene, notes: notesOf(scene), random };
  });
  return { ...source, classes: classes.count };
}
