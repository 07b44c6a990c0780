import type { StateDict } from "../../src/checkpoint/index.ts";
import { type Answer, completeSettings, generateBatch } from "../../src/generation/index.ts";
import { toPixelValues } from "../../src/image/index.ts";
import {
  LoadedModel,
  mediaFromPixels,
  type Prompt,
  type Media as SeenPicture,
} from "../../src/inference/index.ts";
import { type OwlConfig, placeholderIds, tokensPerImage } from "../../src/model/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { encodeConversation, type Message } from "../../src/prompt/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import type { Turn } from "../texts/conversation.ts";
import { preprocessor } from "../training/plan.ts";

/** One question to be answered: what was said before, and the pictures that it is about. */
export interface Asked {
  readonly pictures: readonly Picture[];
  readonly earlier: readonly Turn[];
  readonly question: string;
}

/** Whoever answers; greedily, in any batches. */
export type Answerer = (asked: readonly Asked[]) => Promise<string[]>;

/** Tokens of the longest answer: a document that is read out. */
export const LONGEST_ANSWER = 96;

/** The conversation; its pictures stand before the first question. */
export function messagesOf({ pictures, earlier, question }: Asked): Message<Picture>[] {
  const said = [...earlier.flatMap((turn) => [turn.question, turn.answer]), question];
  return said.map((text, i) => {
    const role = i % 2 === 0 ? "user" : "assistant";
    if (i > 0 || pictures.length === 0) return { role, content: text };
    const seen = pictures.map((image) => ({ type: "image" as const, image }));
    return { role, content: [...seen, { type: "text", text }] };
  });
}

/** An answerer that decodes greedily in batches, and what releases it. */
export interface OpenAnswerer {
  readonly answer: Answerer;
  /** What follows a picture without a question: all that stage 1 teaches. */
  caption(pictures: readonly Picture[]): Promise<string[]>;
  close(): Promise<void>;
}

/** Lets a model answer. */
export function answererOf(
  config: OwlConfig,
  weights: StateDict,
  tokenizer: Tokenizer,
  device: Device,
): OpenAnswerer {
  const model = new LoadedModel(config, weights, device);
  const settings = completeSettings({ maxNewTokens: LONGEST_ANSWER });
  const answers = (prompts: readonly Prompt[]): Promise<Answer[]> =>
    generateBatch(model, { textStream: () => tokenizer.stream() }, { prompts, settings });
  const pixels = preprocessor(config);
  const seen = (image: Picture): Promise<SeenPicture> => mediaFromPixels(toPixelValues(image, pixels));
  return {
    caption: async (pictures) => {
      const placeholders = placeholderIds({ kind: "image", length: tokensPerImage(config) });
      const ids = [...tokenizer.start, ...placeholders];
      const prompts = await Promise.all(
        pictures.map(async (image) => ({ ids, pictures: [await seen(image)] })),
      );
      return (await answers(prompts)).map(({ text }) => text.trim());
    },
    answer: async (asked) => {
      const prompts = await Promise.all(
        asked.map(async (one) => {
          const { ids, images } = encodeConversation(messagesOf(one), tokenizer, {
            tokensPerImage: tokensPerImage(config),
          });
          return {
            ids,
            pictures: await Promise.all(images.map(seen)),
          };
        }),
      );
      return (await answers(prompts)).map(({ text }) => text.trim());
    },
    close: () => model.close(),
  };
}

/** Lets the model of a directory answer, whatever its weights are in. */
export async function answererOfDirectory(
  directory: string,
): Promise<Pick<OpenAnswerer, "answer" | "close">> {
  const owl = await Owl.load(directory);
  return {
    answer: async (asked) => {
      const answers = await owl.chatAll(asked.map(messagesOf), {
        maxNewTokens: LONGEST_ANSWER,
        doSample: false,
      });
      return answers.map(({ text }) => text.trim());
    },
    close: () => owl.close(),
  };
}
