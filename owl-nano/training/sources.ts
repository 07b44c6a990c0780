import type { DenseExample, DenseSource, Source } from "../../src/data/index.ts";
import { type Concept, readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { readWords } from "../concepts/words.ts";
import { type Atlas, loadAtlas, renderAtlas } from "../drawings/atlas.ts";
import { loadFaces } from "../drawings/glyphs.ts";
import { divide, readSplits, type SplitSprites } from "../drawings/splits.ts";
import { READING_CURRICULUM, VISION_CURRICULUM } from "../pictures/curricula.ts";
import { classTable, renderLabelled } from "../pictures/drawn-scene.ts";
import { type DesignsByConcept, groupDesigns } from "../pictures/pictures.ts";
import { sampleScene } from "../pictures/sample-scene.ts";
import { type Drawings, trainingSupply } from "../pictures/supplies.ts";
import { phaseAt, visionExample } from "../pictures/vision-scenes.ts";
import { randomFor } from "../random.ts";
import { splitWords } from "../scenes/held-out.ts";
import { notesOf } from "../scenes/notes.ts";
import type { Notes } from "./note-tokens.ts";

/** What every generator draws from. */
export interface Material {
  readonly atlas: Atlas;
  readonly sprites: SplitSprites;
  readonly concepts: readonly Concept[];
  /** The training designs of the concepts. */
  readonly designs: DesignsByConcept;
  readonly drawings: Drawings;
}

/** Loads the pictures and concepts, divided by the committed splits; all of them, or those of these concepts alone. */
export async function loadMaterial(only?: readonly string[]): Promise<Material> {
  const atlas = only === undefined ? await loadAtlas() : await renderAtlas(only);
  const sprites = divide(atlas, readSplits());
  const concepts = readConcepts().filter(({ name }) => only?.includes(name) ?? true);
  const faces = await loadFaces();
  const drawings = { atlas, sprites, concepts, countries: readCountries(), faces };
  return { atlas, sprites, concepts, designs: groupDesigns(sprites.train, atlas.conceptCount), drawings };
}

/** Examples that never end. */
export function endless<T>(example: (index: number) => T): Source<T> {
  return { length: Number.POSITIVE_INFINITY, example };
}

/** The words that things and flags have in notes. */
export function nameWords({ concepts, drawings }: Material): string[] {
  return [...new Set([...concepts, ...drawings.countries].map(({ name }) => name.split(" ").at(-1)!))];
}

/** Words that may be written in training pictures. */
export const trainingWords = (): string[] => splitWords(readWords()).train;

/** The vision stage: small pictures with a class for each patch. */
export function visionSource(
  { atlas, drawings }: Material,
  size: number,
  seed: number,
): DenseSource & { readonly classes: number } {
  const classes = classTable(atlas.labels.length);
  const scenes = {
    supply: trainingSupply(drawings),
    words: trainingWords(),
    classes,
    size,
    seed,
    curriculum: VISION_CURRICULUM,
  };
  const source = endless((index): DenseExample => {
    const { picture, labels } = visionExample(scenes, index);
    return { image: picture, labels };
  });
  return { ...source, classes: classes.count };
}

/** A picture of the reading stage. */
export interface ReadExample extends DenseExample {
  readonly notes: Notes;
}

/** The reading stage: pictures with a class for each patch and a note for each cell. */
export function readingSource(
  { atlas, drawings }: Material,
  size: number,
  seed: number,
): Source<ReadExample> & { readonly classes: number } {
  const classes = classTable(atlas.labels.length);
  const supply = trainingSupply(drawings);
  const words = trainingWords();
  const source = endless((index): ReadExample => {
    const random = randomFor(seed, "reading", index);
    const { variation, source } = phaseAt(READING_CURRICULUM, index);
    const scene = sampleScene({ supply: { ...supply, variation }, size, random }, { ...source, words });
    const { picture, labels } = renderLabelled(scene, classes, random);
    return { image: picture, labels, notes: notesOf(scene) };
  });
  return { ...source, classes: classes.count };
}
