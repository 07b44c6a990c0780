import type { StateDict } from "../checkpoint/index.ts";
import type { Answer, GenerationSettings } from "../generation/index.ts";
import type { Prompt } from "../inference/index.ts";
import type { OwlConfig } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import type { ForwardResult, ModelInputs } from "./forward-backward.ts";
import { newIds, ProbeError } from "./probe.ts";

/** What a probe needs of an owl. */
interface ProbedLanguage {
  readonly config: Pick<OwlConfig, "language">;
  readonly defaults: GenerationSettings;
  forward(inputs: ModelInputs): Promise<ForwardResult>;
  generateIds(prompts: readonly Prompt[], settings: GenerationSettings): Promise<Answer[]>;
}

/**
 * The language model's logits of rows of ids, or the tokens that it goes on with, to compare implementations. Reads
 * `input_ids` int64 [rows, tokens]; other tensors are passed over.
 *
 * @param generate settings (as in `settingsFromJson`) of the tokens that are wanted in place of logits; what is left out is
 *   plain greedy decoding
 * @returns `logits` float32 [rows, tokens, vocabulary], or `ids` int64 [rows, new tokens], ended rows filled with padding
 * @throws ProbeError where there are no such ids
 */
export async function probeLanguage(
  owl: ProbedLanguage,
  tensors: StateDict,
  generate?: object,
): Promise<StateDict> {
  const ids = rowsOfIds(tensors.get("input_ids"), owl.config.language.vocabulary);
  if (generate === undefined) return new Map([["logits", (await owl.forward({ ids })).logits]]);
  const prompts = ids.map((row) => ({ ids: row, pictures: [] }));
  return new Map([["ids", await newIds(owl, prompts, generate)]]);
}

function rowsOfIds(tensor: HostTensor | undefined, vocabulary: number): number[][] {
  const [rows = 0, tokens = 0, ...more] = tensor?.dims ?? [];
  if (tensor === undefined || more.length > 0 || rows * tokens === 0) {
    const got = tensor === undefined ? "none" : `[${tensor.dims.join(", ")}]`;
    throw new ProbeError(`probe inputs: input_ids must be [rows, tokens], got ${got}`);
  }
  const all = Array.from<number | bigint, number>(tensor.data, Number);
  const foreign = all.filter((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (foreign.length > 0) {
    const some = foreign.slice(0, 5).join(", ");
    throw new ProbeError(`probe inputs: input_ids must be from 0 to ${vocabulary - 1}, got ${some}`);
  }
  return Array.from({ length: rows }, (_, row) => all.slice(row * tokens, (row + 1) * tokens));
}
