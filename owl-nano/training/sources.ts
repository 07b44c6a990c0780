import { readFileSync } from "node:fs";
import type { DenseExample, DenseSource, Example, ExampleSource } from "../../src/data/index.ts";
import { type Concept, readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { type Atlas, loadAtlas, renderAtlas } from "../drawings/atlas.ts";
import { loadFaces } from "../drawings/glyphs.ts";
import { divide, readSplits, type SplitSprites } from "../drawings/splits.ts";
import { VISION_CURRICULUM } from "../pictures/curricula.ts";
import { classTable } from "../pictures/drawn-scene.ts";
import {
  type DesignsByConcept,
  groupDesigns,
  renderPicture,
  TRAINING_PICTURES,
} from "../pictures/pictures.ts";
import { type Drawings, trainingSupply } from "../pictures/supplies.ts";
import { visionExample } from "../pictures/vision-scenes.ts";
import { randomFor } from "../random.ts";
import { splitWords } from "../scenes/held-out.ts";
import { caption, type Scene, sampleScene } from "../texts/captions.ts";
import { conversation } from "../texts/conversation.ts";
import { pictureDialogue } from "../texts/dialogue.ts";
import { languageText, textConversation } from "../texts/language-texts.ts";
import { groupByLength } from "./length-grouping.ts";

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

function endless(example: (index: number) => Example): ExampleSource {
  return { length: Number.POSITIVE_INFINITY, example };
}

/** Words that may be written in training pictures. */
function trainingWords(): string[] {
  const text = readFileSync(new URL("../data/words.txt", import.meta.url), "utf8");
  return splitWords(text.trim().split("\n")).train;
}

/** Stage V: scenes with a class for each patch. */
export function visionSource(material: Material, seed: number): DenseSource & { readonly classes: number } {
  const { atlas, drawings } = material;
  const classes = classTable(atlas.labels.length);
  const scenes = {
    supply: trainingSupply(drawings),
    words: trainingWords(),
    classes,
    size: 64,
    seed,
    curriculum: VISION_CURRICULUM,
  };
  return {
    length: Number.POSITIVE_INFINITY,
    classes: classes.count,
    example: (index): DenseExample => {
      const { picture, labels } = visionExample(scenes, index);
      return { image: picture, labels };
    },
  };
}

/** Language stage: text alone, in batches of `rows` texts of similar length. */
export function languageSource(concepts: readonly Concept[], seed: number, rows: number): ExampleSource {
  const text = (index: number): string => languageText(concepts, seed, index);
  const at = groupByLength((index) => text(index).length, rows, seed);
  return endless((index) => ({ text: text(at(index)), images: [] }));
}

/** Stage 1: a picture and its caption; a pair of things in one of six. */
export function captionSource({ concepts, designs }: Material, seed: number): ExampleSource {
  return endless((index) => {
    const random = randomFor(seed, "captions", index);
    const scene = sampleScene(concepts, 1 / 6, random);
    return { text: caption(scene), images: [renderPicture(scene, designs, TRAINING_PICTURES, random)] };
  });
}

/** Stage 2, multimodal half: conversations about a picture, `rows` of similar length a batch. */
export function pictureDialogueSource(
  { concepts, designs }: Material,
  seed: number,
  rows: number,
): ExampleSource {
  const write = (index: number): { text: string; scene: Scene } => {
    const random = randomFor(seed, "dialogues", index);
    const scene = sampleScene(concepts, 1 / 8, random);
    return { scene, text: conversation(pictureDialogue(scene, concepts, random), "<image>") };
  };
  const at = groupByLength((index) => write(index).text.length, rows, seed);
  return endless((index) => {
    const { text, scene } = write(at(index));
    const random = randomFor(seed, "dialogue pictures", at(index));
    return { text, images: [renderPicture(scene, designs, TRAINING_PICTURES, random)] };
  });
}

/** Stage 2, text half: facts and a little chat. */
export function textDialogueSource(concepts: readonly Concept[], seed: number, rows: number): ExampleSource {
  const text = (index: number): string => textConversation(concepts, randomFor(seed, "text", index));
  const at = groupByLength((index) => text(index).length, rows, seed);
  return endless((index) => ({ text: text(at(index)), images: [] }));
}
