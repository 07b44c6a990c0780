import type { Example, Source } from "../../src/data/index.ts";
import { CONVERSATION_MIX, CONVERSATION_VARIATION } from "../pictures/curricula.ts";
import { type DrawnScene, renderScene } from "../pictures/drawn-scene.ts";
import { sampleScene, sampleSecondScene } from "../pictures/sample-scene.ts";
import { trainingSupply } from "../pictures/supplies.ts";
import { type Random, randomFor } from "../random.ts";
import { type NoteNoise, noisyNotes } from "../scenes/notes.ts";
import { PICTURE_SIZE } from "../scenes/scene.ts";
import { evenOrder, type Grouping } from "./even-batches.ts";
import type { NotedText } from "./notes-reader.ts";
import { endless, type Material, nameWords, trainingWords } from "./sources.ts";
import { captionOf, pictureConversation, plainText, textConversation } from "./speech.ts";

/** A text and its pictures. */
export type PictureText = Pick<Example, "text" | "images">;

/** Kinds of texts, and how many pictures each has. */
const PICTURES = { plain: 0, talk: 0, caption: 1, picture: 1, pair: 2 } as const;

type TextKind = keyof typeof PICTURES;

/** Of as many micro-batches as there are in all, so many have texts of the kind. An even number in all. */
type TextMix = Readonly<Partial<Record<TextKind, number>>>;

const LANGUAGE_MIX: TextMix = { plain: 3, talk: 6, picture: 9, pair: 2 };
const CAPTION_MIX: TextMix = { caption: 16 };
const INSTRUCTION_MIX: TextMix = { talk: 7, picture: 11, pair: 2 };

/** How unsure notes are, which stand for what a vision encoder will say. */
const NOISE: NoteNoise = { doubt: 0.25, leak: 0.15, jitter: 0.2 };

/** A text, and its pictures before they are drawn. */
interface WrittenText {
  readonly text: string;
  readonly scenes: readonly DrawnScene[];
  /** Goes on where the text's ended. */
  readonly random: Random;
}

type Write = (kind: TextKind, random: Random) => WrittenText;

/** Writes texts of every kind. */
function writerOf(material: Material): Write {
  const supply = { ...trainingSupply(material.drawings), variation: CONVERSATION_VARIATION };
  const source = { mix: CONVERSATION_MIX, words: trainingWords(), furtherShare: 0 };
  const world = { concepts: supply.concepts, countries: supply.countries, words: source.words };
  return (kind, random) => {
    const studio = { supply, size: PICTURE_SIZE, random };
    const scenes = PICTURES[kind] > 0 ? [sampleScene(studio, source)] : [];
    if (PICTURES[kind] > 1) scenes.push(sampleSecondScene(studio, source, scenes[0]));
    const texts: Readonly<Record<TextKind, () => string>> = {
      plain: () => plainText(world, random),
      talk: () => textConversation(world, random),
      caption: () => captionOf(scenes[0]),
      picture: () => pictureConversation(world, scenes, random),
      pair: () => pictureConversation(world, scenes, random),
    };
    return { text: texts[kind](), scenes, random };
  };
}

type Sizes = Omit<Grouping, "group">;

/** The texts of a stage in even batches, each made into an example. */
function textSource<T>(
  write: Write,
  { mix, stream, seed, sizes }: { mix: TextMix; stream: string; seed: number; sizes: Sizes },
  finish: (written: WrittenText) => T,
): Source<T> {
  const kinds = Object.entries(mix).flatMap(([kind, count]) =>
    new Array<TextKind>(count).fill(kind as TextKind),
  );
  const written = (index: number): WrittenText => {
    const kind = kinds[Math.floor(index / sizes.microBatch) % kinds.length];
    return write(kind, randomFor(seed, stream, index));
  };
  const sizeOf = (index: number): { images: number; length: number } => {
    const { text, scenes } = written(index);
    return { images: scenes.length, length: text.length };
  };
  const at = evenOrder(sizeOf, { ...sizes, group: kinds.length * sizes.microBatch }, seed);
  return endless((index) => finish(written(at(index))));
}

/** The language stage: plain texts and conversations, with notes in the place of pictures. */
export function languageSource(material: Material, seed: number, sizes: Sizes): Source<NotedText> {
  const names = nameWords(material);
  return textSource(
    writerOf(material),
    { mix: LANGUAGE_MIX, stream: "language", seed, sizes },
    ({ text, scenes, random }) => ({
      text,
      notes: scenes.map((scene) => noisyNotes(scene, names, NOISE, random)),
    }),
  );
}

/** Texts of every kind, for the tokenizer. */
export function sampleTexts(material: Material, seed: number, count: number): string[] {
  const write = writerOf(material);
  const kinds = Object.keys(PICTURES) as TextKind[];
  return Array.from(
    { length: count },
    (_, i) => write(kinds[i % kinds.length], randomFor(seed, "tokenizer", i)).text,
  );
}

function drawn({ text, scenes, random }: WrittenText): PictureText {
  return { text, images: scenes.map((scene) => renderScene(scene, random)) };
}

/** Stage 1: a picture and its caption. */
export function captionSource(material: Material, seed: number, sizes: Sizes): Source<PictureText> {
  return textSource(writerOf(material), { mix: CAPTION_MIX, stream: "captions", seed, sizes }, drawn);
}

/** Stage 2: conversations about one picture, two, or none. */
export function conversationSource(material: Material, seed: number, sizes: Sizes): Source<PictureText> {
  return textSource(
    writerOf(material),
    { mix: INSTRUCTION_MIX, stream: "conversations", seed, sizes },
    drawn,
  );
}
