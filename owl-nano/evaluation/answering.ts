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
import { encodeConversation, type Message } from "../../src/prompt/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import type { Picture } from "../pictures/pictures.ts";
import { preprocessor } from "../training/plan.ts";
import type { Answerer, Asked } from "./evaluation.ts";

function messagesOf({ picture, earlier, question }: Asked): Message<Picture>[] {
  const said = [...earlier.flatMap((turn) => [turn.question, turn.answer]), question];
  return said.map((text, i) => {
    const role = i % 2 === 0 ? "user" : "assistant";
    if (i > 0) return { role, content: text };
    return {
      role,
      content: [
        { type: "image", image: picture },
        { type: "text", text },
      ],
    };
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
  const settings = completeSettings({ maxNewTokens: 40 });
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
