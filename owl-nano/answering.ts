import type { NamedTensors } from "../src/checkpoint/index.ts";
import { completeSettings, Generator, LoadedModel, pictureOf } from "../src/generation/index.ts";
import { toPixelValues } from "../src/image/index.ts";
import { type OwlConfig, tokensPerImage } from "../src/model/index.ts";
import { encodeConversation, type Message } from "../src/prompt/index.ts";
import type { Device } from "../src/runtime/index.ts";
import type { Tokenizer } from "../src/tokenizer/index.ts";
import type { Answerer, Asked } from "./evaluation.ts";
import type { Picture } from "./pictures.ts";
import { preprocessor } from "./pipeline.ts";

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
  close(): Promise<void>;
}

/** Lets a model answer. */
export function answererOf(
  config: OwlConfig,
  weights: NamedTensors,
  tokenizer: Tokenizer,
  device: Device,
): OpenAnswerer {
  const model = new LoadedModel(config, weights, device);
  const generator = new Generator(model, { textStream: () => tokenizer.stream() });
  const settings = completeSettings({ maxNewTokens: 40 });
  const pixels = preprocessor(config);
  return {
    answer: async (asked) => {
      const prompts = await Promise.all(
        asked.map(async (one) => {
          const { ids, images } = encodeConversation(messagesOf(one), tokenizer, {
            tokensPerImage: tokensPerImage(config),
          });
          return {
            ids,
            pictures: await Promise.all(images.map((image) => pictureOf(toPixelValues(image, pixels)))),
          };
        }),
      );
      const answers = await generator.answerAll(prompts, settings);
      return answers.map(({ text }) => text.trim());
    },
    close: () => model.close(),
  };
}
