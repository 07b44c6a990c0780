import type { StateDict } from "../../src/checkpoint/index.ts";
import { completeSettings, generateBatch } from "../../src/generation/index.ts";
import { LoadedModel, type Media, type Prompt } from "../../src/inference/index.ts";
import { type OwlConfig, tokensPerImage } from "../../src/model/index.ts";
import { encodeConversation } from "../../src/prompt/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import type { Scene } from "../scenes/scene.ts";
import { type Notes, notedTokensOf } from "../training/note-tokens.ts";
import { type Asked, LONGEST_ANSWER, messagesOf, type OpenAnswerer } from "./answering.ts";

/** The language stage's model, and what it is asked with. */
export interface NotesReaderModel {
  readonly config: OwlConfig;
  readonly weights: StateDict;
  readonly tokenizer: Tokenizer;
  readonly device: Device;
  readonly wordToken: (word: string) => number;
  /** What the pictures show; any other has no notes. */
  readonly scenes: ReadonlyMap<Picture, Scene>;
  /** What it is told of them. */
  readonly notesOf: (scene: Scene) => Notes;
}

/**
 * Lets the language model of the language stage answer about pictures of which it is given the notes: what an owl could answer whose
 * eyes err in nothing.
 */
export function answererFromNotes(reader: NotesReaderModel): Pick<OpenAnswerer, "answer" | "close"> {
  const { config, weights, tokenizer, device } = reader;
  const model = new LoadedModel(config, weights, device);
  const settings = completeSettings({ maxNewTokens: LONGEST_ANSWER });
  const noted = new Map<Picture, Media>();
  const pixels = new Float32Array(3 * config.vision.imageSize ** 2);
  // The cache of visual tokens has them already: nothing is seen.
  const seen = (picture: Picture): Media => {
    const known = noted.get(picture);
    if (known !== undefined) return known;
    const scene = reader.scenes.get(picture);
    const media: Media = { key: `notes ${noted.size}`, pixels };
    const notes = scene === undefined ? [] : reader.notesOf(scene);
    model.visualCache.set(media.key, notedTokensOf(config, weights, notes, reader.wordToken));
    noted.set(picture, media);
    return media;
  };
  const promptOf = (asked: Asked): Prompt => {
    const { ids, images } = encodeConversation(messagesOf(asked), tokenizer, {
      tokensPerImage: tokensPerImage(config),
    });
    return { ids, pictures: images.map(seen) };
  };
  return {
    answer: async (asked) => {
      const prompts = asked.map(promptOf);
      const answers = await generateBatch(
        model,
        { textStream: () => tokenizer.stream() },
        { prompts, settings },
      );
      return answers.map(({ text }) => text.trim());
    },
    close: () => model.close(),
  };
}
