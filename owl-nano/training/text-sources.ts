import type { Example, Source } from "../../src/data/index.ts";
import { type DrawnScene, renderScene } from "../pictures/drawn-scene.ts";
import { sampleScene, sampleSecondScene } from "../pictures/sample-scene.ts";
import { trainingSupply } from "../pictures/supplies.ts";
import { type Random, randomFor } from "../random.ts";
import { isHeldOutLayout } from "../scenes/held-out.ts";
import { type Note, type NoteNoise, noisyNotes, notesOf, withoutCounts } from "../scenes/notes.ts";
import { DOCUMENT_LAYOUTS, PICTURE_SIZE, type Scene, type SmallDocument } from "../scenes/scene.ts";
import { conversation } from "../texts/conversation.ts";
import {
  checksConversation,
  countsConversation,
  pictureConversation,
  twoPictureChecksConversation,
  twoPictureConversation,
} from "../texts/picture-conversation.ts";
import { captionOf } from "../texts/scene-captions.ts";
import { inventoryOf } from "../texts/scene-inventory.ts";
import { sampleDocument } from "../texts/small-documents.ts";
import { factParagraph, textConversation } from "../texts/text-conversation.ts";
import type { AskedTurn, Telling } from "../texts/turns.ts";
import { type Lessons, TEXT_KINDS, type TextKind, type TextMix, type TextStage } from "./lessons.ts";
import type { Notes } from "./note-tokens.ts";
import type { NotedText } from "./notes-reader.ts";
import { endless, type Material, nameWords, trainingWords } from "./sources.ts";

/** A text and its pictures. */
export interface PictureText extends Pick<Example, "images"> {
  readonly text: string;
}

/** How unsure notes are, which stand for what a vision encoder will say. */
const NOISE: NoteNoise = { doubt: 0.25, leak: 0.15, jitter: 0.2, blur: 2, mistake: 0.05 };

/** A text, what is asked in it, and its pictures before they are drawn. */
export interface WrittenText {
  readonly text: string;
  readonly turns: readonly AskedTurn[];
  readonly scenes: readonly DrawnScene[];
  /** Goes on where the text's ended. */
  readonly random: Random;
}

const LAYOUTS = DOCUMENT_LAYOUTS.filter((layout) => !isHeldOutLayout(layout));

const trainingDocument = (random: Random): SmallDocument => sampleDocument(random, random.pick(LAYOUTS));

/** Stands for a picture in a text; each has a line of its own. */
const MARK = "<image>";
const TWO_MARKS = `${MARK}\nHuman: ${MARK}`;

/** The turns of a conversation that the lessons have; drawn anew where there is none. */
function taught({ abilities }: Lessons, draw: () => AskedTurn[]): AskedTurn[] {
  if (abilities === undefined) return draw();
  for (;;) {
    const turns = draw().filter(({ ability }) => abilities.has(ability));
    if (turns.length > 0) return turns;
  }
}

/** The stages that read notes where pictures will be. */
export const NOTED_STAGES = [
  "language",
  "comparing",
  "answers",
  "phrasing",
  "documents",
  "counting",
] as const;

export type NotedStage = (typeof NOTED_STAGES)[number];

/** The pictures of a kind of text, where they are not the stage's. */
const MIX_OF: Readonly<Partial<Record<TextKind, "scenes" | "inventories" | "papers" | "counted">>> = {
  checks: "scenes",
  counts: "counted",
  inventory: "inventories",
  papers: "papers",
};

/** The pictures of a stage, where they are not those of the first ones. */
const SCENES_OF: Readonly<Partial<Record<TextStage, "inventories" | "instructed">>> = {
  comparing: "inventories",
  answers: "inventories",
  phrasing: "inventories",
  documents: "inventories",
  counting: "inventories",
  instruct: "instructed",
};

/** Writes texts of every kind. */
function writerOf(
  { drawings, lessons }: Material,
  stage: TextStage,
): (kind: TextKind, random: Random) => WrittenText {
  const supply = { ...trainingSupply(drawings), variation: lessons.variation };
  const source = {
    mix: lessons[SCENES_OF[stage] ?? "scenes"],
    words: trainingWords(),
    furtherShare: 0,
    document: trainingDocument,
  };
  const world = { concepts: supply.concepts, countries: supply.countries, words: source.words };
  const telling = (random: Random): Telling => ({
    world,
    random,
    part: "train",
    isLate: lessons.late?.has(stage) ?? false,
  });
  return (kind, random) => {
    const studio = { supply, size: PICTURE_SIZE, random };
    const none = { turns: [], scenes: [], random };
    if (kind === "facts") return { ...none, text: factParagraph(world, random) };
    if (kind === "talk") {
      const turns = textConversation(telling(random));
      return { ...none, text: conversation(turns), turns };
    }
    const mix = MIX_OF[kind] === undefined ? source.mix : lessons[MIX_OF[kind]];
    const scene = sampleScene(studio, { ...source, mix });
    if (kind === "caption") return { ...none, text: captionOf(scene), scenes: [scene] };
    if (kind === "pictured caption") return { ...none, text: `${MARK}${captionOf(scene)}`, scenes: [scene] };
    if (kind === "inventory") return { ...none, text: `${MARK}${inventoryOf(scene)}`, scenes: [scene] };
    if (kind === "picture" || kind === "papers") {
      const turns = taught(lessons, () => pictureConversation(scene, telling(random)));
      return { text: conversation(turns, MARK), turns, scenes: [scene], random };
    }
    if (kind === "checks" || kind === "counts") {
      const speakOf = kind === "checks" ? checksConversation : countsConversation;
      for (let shown = scene; ; shown = sampleScene(studio, { ...source, mix })) {
        const turns = speakOf(shown, telling(random));
        if (turns.length > 0) return { text: conversation(turns, MARK), turns, scenes: [shown], random };
      }
    }
    const speak = kind === "pair" ? twoPictureConversation : twoPictureChecksConversation;
    // Not every two pictures give an occasion to compare them.
    for (let first = scene; ; first = sampleScene(studio, source)) {
      const scenes = [first, sampleSecondScene(studio, source, first)] as const;
      const turns = speak(scenes, telling(random));
      if (turns.length > 0) return { text: conversation(turns, TWO_MARKS), turns, scenes, random };
    }
  };
}

/** The streams of the stages of texts, and of the tokenizer. */
const STREAMS: Readonly<Record<TextStage, string>> = {
  tokenizer: "tokenizer",
  language: "language",
  comparing: "answers",
  answers: "questions",
  phrasing: "phrasings",
  documents: "documents",
  counting: "counting",
  align: "captions",
  instruct: "conversations",
};

/** What a stage of texts is taught, by index. */
export function stageTexts(
  material: Material,
  stage: TextStage,
  seed: number,
): (index: number) => WrittenText {
  const write = writerOf(material, stage);
  const kindsOf = (mix: TextMix): readonly TextKind[] =>
    TEXT_KINDS.flatMap((kind) => new Array<TextKind>(mix[kind] ?? 0).fill(kind));
  const { practice, texts } = material.lessons;
  const first = practice?.[stage] ?? [];
  // Each with the index behind its last text.
  const parts = [...first, { mix: texts[stage], count: Number.POSITIVE_INFINITY }].map(({ mix }, i, all) => ({
    kinds: kindsOf(mix),
    end: all.slice(0, i + 1).reduce((sum, { count }) => sum + count, 0),
  }));
  return (index) => {
    const { kinds } = parts.find(({ end }) => index < end)!;
    return write(kinds[index % kinds.length], randomFor(seed, STREAMS[stage], index));
  };
}

/** What a stage's notes say of a scene if nothing in them errs. */
export function perfectNotes({ lessons }: Material, stage: NotedStage): (scene: Scene) => Notes {
  return (scene) => told(lessons, stage, notesOf(scene));
}

const told = ({ uncounted }: Lessons, stage: NotedStage, notes: readonly Note[]): Notes =>
  uncounted?.has(stage) ? withoutCounts(notes) : notes;

/** The stages of the language model alone: plain texts and conversations, with notes in the place of pictures. */
export function languageSource(material: Material, stage: NotedStage, seed: number): Source<NotedText> {
  const names = nameWords(material);
  const write = stageTexts(material, stage, seed);
  return endless((index) => {
    const { text, scenes, random } = write(index);
    const noted = (scene: Scene): Notes =>
      told(material.lessons, stage, noisyNotes(scene, names, NOISE, random));
    return { text, notes: scenes.map(noted) };
  });
}

/** Texts of every kind, for the tokenizer. */
export function sampleTexts(material: Material, seed: number, count: number): string[] {
  const write = stageTexts(material, "tokenizer", seed);
  return Array.from({ length: count }, (_, index) => write(index).text);
}

function drawn({ text, scenes, random }: WrittenText): PictureText {
  return { text, images: scenes.map((scene) => renderScene(scene, random)) };
}

/** Stage 1: a picture and its caption. */
export function captionSource(material: Material, seed: number): Source<PictureText> {
  const write = stageTexts(material, "align", seed);
  return endless((index) => drawn(write(index)));
}

/** Stage 2: conversations about one picture, two, or none. */
export function conversationSource(material: Material, seed: number): Source<PictureText> {
  const write = stageTexts(material, "instruct", seed);
  return endless((index) => drawn(write(index)));
}
