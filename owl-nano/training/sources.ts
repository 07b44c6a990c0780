import type { DenseExample, DenseSource, Example, ExampleSource } from "../../src/data/index.ts";
import { type Concept, readConcepts } from "../concepts/concepts.ts";
import { type Atlas, loadAtlas, renderAtlas } from "../drawings/atlas.ts";
import { divide, readSplits, type SplitSprites } from "../drawings/splits.ts";
import {
  type DesignsByConcept,
  groupDesigns,
  renderPicture,
  TRAINING_PICTURES,
} from "../pictures/pictures.ts";
import { type Curriculum, REDRAWING, VisionScenes } from "../pictures/vision-scenes.ts";
import { randomFor } from "../random.ts";
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
}

/** Loads the pictures and concepts, divided by the committed splits; all of them, or those of these concepts alone. */
export async function loadMaterial(only?: readonly string[]): Promise<Material> {
  const atlas = only === undefined ? await loadAtlas() : await renderAtlas(only);
  const sprites = divide(atlas, readSplits());
  const concepts = readConcepts().filter(({ name }) => only?.includes(name) ?? true);
  return { atlas, sprites, concepts, designs: groupDesigns(sprites.train, atlas.conceptCount) };
}

function endless(example: (index: number) => Example): ExampleSource {
  return { length: Number.POSITIVE_INFINITY, example };
}

/**
 * Stage V begins easy: designs as they were drawn, the concepts alone, mostly one in a picture. Beginning broad instead (further
 * classes, strong changes of style) kept the loss on a plateau for the first hundred thousand scenes; so it leaves it after fifteen
 * thousand. Then it broadens, so that general features are learnt and no design is known by heart: further classes, changes of
 * style, and designs that are bent and tinted as if drawn anew. At last it comes nearer to what is asked.
 */
const CURRICULUM: Curriculum = [
  { from: 0, variety: { furtherShare: 0, iconShare: 0, style: 0, alone: 0.9 } },
  { from: 40_000, variety: { furtherShare: 0.15, iconShare: 0.3, style: 0.5, alone: 0.5 } },
  {
    from: 100_000,
    variety: { furtherShare: 0.2, iconShare: 0.3, style: 0.7, alone: 0.5, redrawing: REDRAWING },
  },
  {
    from: 520_000,
    variety: { furtherShare: 0.1, iconShare: 0.2, style: 0.5, alone: 0.5, redrawing: REDRAWING },
  },
];

/** Stage V: scenes with a class for each patch. */
export function visionSource(
  { atlas, sprites }: Material,
  seed: number,
): DenseSource & { readonly classes: number } {
  const scenes = new VisionScenes(sprites.train, atlas.conceptCount, seed, CURRICULUM);
  return {
    length: Number.POSITIVE_INFINITY,
    classes: scenes.classes,
    example: (index): DenseExample => scenes.example(index),
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
