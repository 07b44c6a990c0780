import type { Example, Source } from "../../src/data/index.ts";
import { CONVERSATION_MIX, CONVERSATION_VARIATION } from "../pictures/curricula.ts";
import { type DrawnScene, renderScene } from "../pictures/drawn-scene.ts";
import { sampleScene, sampleSecondScene } from "../pictures/sample-scene.ts";
import { trainingSupply } from "../pictures/supplies.ts";
import { type Random, randomFor } from "../random.ts";
import { isHeldOutLayout } from "../scenes/held-out.ts";
import { type NoteNoise, noisyNotes } from "../scenes/notes.ts";
import { DOCUMENT_LAYOUTS, PICTURE_SIZE, type SmallDocument } from "../scenes/scene.ts";
import { conversation } from "../texts/conversation.ts";
import { pictureConversation, twoPictureConversation } from "../texts/picture-conversation.ts";
import { captionOf } from "../texts/scene-captions.ts";
import { sampleDocument } from "../texts/small-documents.ts";
import { factParagraph, textConversation } from "../texts/text-conversation.ts";
import type { NotedText } from "./notes-reader.ts";
import { endless, type Material, nameWords, trainingWords } from "./sources.ts";

/** A text and its pictures. */
export type PictureText = Pick<Example, "text" | "images">;

/** Kinds of texts: two without a picture, two about one, the last about two. */
const KINDS = ["facts", "talk", "caption", "picture", "pair"] as const;

type TextKind = (typeof KINDS)[number];

/** Of as many examples as there are in all, so many are texts of the kind. */
type TextMix = Readonly<Partial<Record<TextKind, number>>>;

const LANGUAGE_MIX: TextMix = { facts: 3, talk: 6, picture: 9, pair: 2 };
const CAPTION_MIX: TextMix = { caption: 1 };
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

const LAYOUTS = DOCUMENT_LAYOUTS.filter((layout) => !isHeldOutLayout(layout));

const trainingDocument = (random: Random): SmallDocument => sampleDocument(random, random.pick(LAYOUTS));

/** Stands for a picture in a text; each has a line of its own. */
const MARK = "<image>";
const TWO_MARKS = `${MARK}\nHuman: ${MARK}`;

/** Writes texts of every kind. */
function writerOf(material: Material): Write {
  const supply = { ...trainingSupply(material.drawings), variation: CONVERSATION_VARIATION };
  const source = {
    mix: CONVERSATION_MIX,
    words: trainingWords(),
    furtherShare: 0,
    document: trainingDocument,
  };
  const world = { concepts: supply.concepts, countries: supply.countries, words: source.words };
  return (kind, random) => {
    const studio = { supply, size: PICTURE_SIZE, random };
    if (kind === "facts") return { text: factParagraph(world, random), scenes: [], random };
    if (kind === "talk")
      return { text: conversation(textConversation(world, random, "train")), scenes: [], random };
    const scene = sampleScene(studio, source);
    if (kind === "caption") return { text: captionOf(scene), scenes: [scene], random };
    if (kind === "picture") {
      const turns = pictureConversation(scene, world, random, "train");
      return { text: conversation(turns, MARK), scenes: [scene], random };
    }
    // Not every two pictures give an occasion to compare them.
    for (let first = scene; ; first = sampleScene(studio, source)) {
      const second = sampleSecondScene(studio, source, first);
      const turns = twoPictureConversation([first, second], world, random, "train");
      if (turns.length > 0) return { text: conversation(turns, TWO_MARKS), scenes: [first, second], random };
    }
  };
}

/** The texts of a stage, each made into an example. */
function textSource<T>(
  material: Material,
  { mix, stream, seed }: { readonly mix: TextMix; readonly stream: string; readonly seed: number },
  finish: (written: WrittenText) => T,
): Source<T> {
  const write = writerOf(material);
  const kinds = KINDS.flatMap((kind) => new Array<TextKind>(mix[kind] ?? 0).fill(kind));
  return endless((index) => finish(write(kinds[index % kinds.length], randomFor(seed, stream, index))));
}

/** The language stage: plain texts and conversations, with notes in the place of pictures. */
export function languageSource(material: Material, seed: number): Source<NotedText> {
  const names = nameWords(material);
  return textSource(
    material,
    { mix: LANGUAGE_MIX, stream: "language", seed },
    ({ text, scenes, random }) => ({
      text,
      notes: scenes.map((scene) => noisyNotes(scene, names, NOISE, random)),
    }),
  );
}

/** Texts of every kind, for the tokenizer. */
export function sampleTexts(material: Material, seed: number, count: number): string[] {
  const write = writerOf(material);
  return Array.from(
    { length: count },
    (_, i) => write(KINDS[i % KINDS.length], randomFor(seed, "tokenizer", i)).text,
  );
}

function drawn({ text, scenes, random }: WrittenText): PictureText {
  return { text, images: scenes.map((scene) => renderScene(scene, random)) };
}

/** Stage 1: a picture and its caption. */
export function captionSource(material: Material, seed: number): Source<PictureText> {
  return textSource(material, { mix: CAPTION_MIX, stream: "captions", seed }, drawn);
}

/** Stage 2: conversations about one picture, two, or none. */
export function conversationSource(material: Material, seed: number): Source<PictureText> {
  return textSource(material, { mix: INSTRUCTION_MIX, stream: "conversations", seed }, drawn);
}
