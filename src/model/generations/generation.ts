import type { OwlConfig } from "../owl-config.ts";
import type { TensorSizes } from "../sizes-from-tensors.ts";

/**
 * Everything in which the files of one model of the line differ from another's. Inside, all of them have the first one's names of
 * parts (`vision_model`, `query_tokens`, `abstractor`, `language_model`): training stages, quantisation and adapters go by these.
 */
export interface OwlGeneration {
  /** The name that people know it by. */
  readonly title: string;
  /** Where it is described. */
  readonly paper: string;
  /** `model_type` in config.json. */
  readonly modelType: string;
  /**
   * Reads a published config.json.
   *
   * @param where what the content came from, for the message
   * @param weights the checkpoint's tensors by the names inside: they show the sizes that the content leaves out
   * @throws ModelConfigError naming every key that is missing, wrong or asks for what is not computed
   */
  parse(json: Record<string, unknown>, where: string, weights: TensorSizes | undefined): OwlConfig;
  /** The published form; `parse` of it gives the same config. */
  configJson(config: OwlConfig): Record<string, unknown>;
  /** How pictures become square, unless preprocessor_config.json has the key `fit`; see `Preprocessor.fit`. */
  pictureFit(config: OwlConfig): "squeeze" | "crop" | "stretch" | "pad";
  /**
   * The content of preprocessor_config.json for directories that come without one, read as transformers reads such files; absent: as the
   * vision tower has it.
   *
   * @param side of the pictures in pixels
   */
  preprocessing?(side: number): Record<string, unknown>;
  /** The one id that stands for a whole picture in its code's inputs; absent: each position has one of its own. */
  readonly placeholder?: number;
  /** How its files call tensors; absent: as they are called inside. */
  readonly names?: PublishedNames;
  /**
   * Whether a tensor of its files, by its name inside, has no use here; absent: none.
   *
   * @param json content of config.json
   */
  isUnused?(name: string, json: Record<string, unknown>): boolean;
}

/** Names of tensors in files. */
export interface PublishedNames {
  /** The name inside of a tensor of a file. */
  own(published: string): string;
  /** The name in files of a tensor inside, or of what belongs to it (a LoRA's matrices, packed numbers). */
  published(own: string): string;
}

/** Names that differ in what stands in front. The first pair whose beginning fits counts; the last may have an empty one. */
export function byPrefix(pairs: readonly (readonly [published: string, own: string])[]): PublishedNames {
  const replaced = (name: string, from: 0 | 1): string => {
    const pair = pairs.find((one) => name.startsWith(one[from]));
    return pair === undefined ? name : pair[1 - from] + name.slice(pair[from].length);
  };
  return { own: (published) => replaced(published, 0), published: (own) => replaced(own, 1) };
}
