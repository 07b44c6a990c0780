import type { OpenedCheckpoint } from "../checkpoint/index.ts";
import { idsWithoutToken } from "../generation/index.ts";
import { configJson, type OwlConfig } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { defaultsOf, withAnswerEnd } from "../owl/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { pictureToken } from "./chat-template.ts";
import type { WrittenTokenizer } from "./tokenizer-files.ts";

/** Number formats by transformers.js's names, with what its files' names end in. */
export const suffixes = { fp32: "", fp16: "_fp16", q4: "_q4", q8: "_quantized" } as const;
export type FileFormat = keyof typeof suffixes;

/** What is written beside the models. */
export interface Settings {
  readonly checkpoint: OpenedCheckpoint;
  readonly config: OwlConfig;
  readonly tokenizer: Tokenizer;
  readonly written: WrittenTokenizer;
  readonly format: FileFormat;
  /** No sequence may become longer. */
  readonly longest: number;
  /** Files of weights beside a model, by its name. */
  readonly dataFiles: Readonly<Record<string, number>>;
  /** Positions of a picture. */
  readonly positions: number;
}

/** A side that no picture has: LlavaProcessor counts its positions alone then, whatever a picture's size. */
const NO_PATCH = 2 ** 30;

/** The files of settings by their names, config.json apart. */
export function settingsFiles(settings: Settings): Record<string, unknown> {
  const { written, positions } = settings;
  return {
    [modelFiles.tokenizer]: written.json,
    [modelFiles.tokenizerConfig]: written.configuration,
    [modelFiles.generationConfig]: generationConfig(settings),
    [modelFiles.preprocessorConfig]: {
      processor_class: "LlavaProcessor",
      image_processor_type: "CLIPImageProcessor",
      do_convert_rgb: true,
      do_resize: false,
      do_center_crop: false,
      do_rescale: false,
      do_normalize: false,
    },
    [modelFiles.processorConfig]: {
      processor_class: "LlavaProcessor",
      image_token: pictureToken,
      patch_size: NO_PATCH,
      num_additional_image_tokens: positions,
    },
  };
}

/** config.json of a model of pictures and texts by LLaVA's file contract. */
export function llavaConfig({ config, written, format, longest, dataFiles }: Settings): object {
  const { text_config } = configJson(config);
  return {
    architectures: ["LlavaForConditionalGeneration"],
    model_type: "llava",
    image_token_index: written.pictureId,
    max_position_embeddings: longest,
    text_config: { ...Object(text_config), max_position_embeddings: longest },
    vision_config: { model_type: "mplug_owl_vision_model", image_size: config.vision.imageSize },
    "transformers.js_config": {
      dtype: format,
      ...(Object.values(dataFiles).some((count) => count > 0) && { use_external_data_format: dataFiles }),
    },
  };
}

/** As given, with all tokens that end an answer, without ids that stand for no token. */
function generationConfig({ checkpoint, config, tokenizer }: Settings): object {
  const { eosTokenIds, maxNewTokens } = withAnswerEnd(defaultsOf(checkpoint, config), tokenizer);
  const holes = idsWithoutToken(tokenizer, config.language.vocabulary).filter(
    (id) => !eosTokenIds.includes(id),
  );
  return {
    ...Object(checkpoint.generationConfig),
    max_new_tokens: maxNewTokens,
    eos_token_id: eosTokenIds,
    pad_token_id: tokenizer.padId,
    ...(holes.length > 0 && { suppress_tokens: holes }),
  };
}
