import type { TensorSource } from "../checkpoint/index.ts";
import { familyOf, type LanguageConfig } from "../model/index.ts";
import { renamed } from "./tensor-sources.ts";

/**
 * A language model's weights under an owl's names. Checkpoints without a head (BLOOM's are published so) leave out the
 * module of the body in front of every name; it is added.
 */
export function languageWeights(source: TensorSource, config: LanguageConfig): TensorSource {
  const body = `${familyOf(config).names.body}.`;
  const isWhole = source.tensors.some(({ name }) => name.startsWith(body));
  return renamed(source, (name) =>
    isWhole || name.startsWith("lm_head.") ? `language_model.${name}` : `language_model.${body}${name}`,
  );
}
