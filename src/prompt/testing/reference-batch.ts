import { type HostTensor, int64 } from "../../tensor/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { PromptError } from "../error.ts";
import type { TrainingSample } from "../training-sample.ts";

/** A training batch by the reference's names, int64 all. */
export interface PaddedBatch {
  /** [rows, length + 1] */
  readonly input_ids: HostTensor<"int64">;
  /** [rows, length]: 1 where the position holds a token and predicts another one. */
  readonly non_padding_mask: HostTensor<"int64">;
  /** [rows, length]: 0 where the token to be predicted is a picture's. */
  readonly non_media_mask: HostTensor<"int64">;
  /** [rows, length]: 1 where the token to be predicted is to be learned. The loss counts where all three are 1. */
  readonly prompt_mask: HostTensor<"int64">;
  /** [rows] */
  readonly num_images: HostTensor<"int64">;
}

/**
 * Training samples filled up on the right with padding to one length, and the masks of the reference's collator
 * (`batchify` of the released pipeline).
 * @param options `length`: positions of the model's input; default: what the longest sample needs
 * @throws PromptError for samples longer than that, or none
 */
export function padBatch(
  samples: readonly TrainingSample[],
  tokenizer: Pick<Tokenizer, "padId">,
  options: { readonly length?: number } = {},
): PaddedBatch {
  const longest = Math.max(0, ...samples.map(({ ids }) => ids.length - 1));
  const { length = longest } = options;
  if (samples.length === 0 || longest > length) {
    throw new PromptError(
      `batch: must hold samples of at most ${length} + 1 ids, got ${samples.length && longest + 1}`,
    );
  }
  const rows = (width: number, value: (sample: TrainingSample, position: number) => number) =>
    int64(
      samples.flatMap((sample) => Array.from({ length: width }, (_, position) => value(sample, position))),
      [samples.length, width],
    );
  return {
    input_ids: rows(length + 1, ({ ids }, position) => ids[position] ?? tokenizer.padId),
    non_padding_mask: rows(length, ({ ids }, position) => Number(position < ids.length - 1)),
    non_media_mask: rows(length, ({ ids }, position) => Number((ids[position + 1] ?? 0) >= 0)),
    prompt_mask: rows(length, ({ lossMask }, position) => Number(lossMask[position + 1] ?? false)),
    num_images: int64(
      samples.map(({ imageCount }) => imageCount),
      [samples.length],
    ),
  };
}

/**
 * Prompts of unequal length filled up on the right with eos, as the reference's processor does.
 * @returns `input_ids` and `attention_mask` (1 where a token is), int64 [rows, longest]
 */
export function padPrompts(
  prompts: readonly (readonly number[])[],
  tokenizer: Pick<Tokenizer, "eosId">,
): { input_ids: HostTensor<"int64">; attention_mask: HostTensor<"int64"> } {
  const longest = Math.max(0, ...prompts.map((ids) => ids.length));
  const positions = Array.from({ length: longest }, (_, position) => position);
  const dims = [prompts.length, longest];
  return {
    input_ids: int64(
      prompts.flatMap((ids) => positions.map((position) => ids[position] ?? tokenizer.eosId)),
      dims,
    ),
    attention_mask: int64(
      prompts.flatMap((ids) => positions.map((position) => Number(position < ids.length))),
      dims,
    ),
  };
}
