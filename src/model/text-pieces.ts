import { dim, type Graph, input, type Tensor } from "../tensor/index.ts";
import type { OwlConfig } from "./config.ts";
import {
  decoderLayer,
  embedTokens,
  finalNorm,
  languageHead,
  wholeSequenceAttention,
} from "./language-model.ts";
import { modelScope } from "./quantization.ts";

/**
 * A forward pass over text alone in pieces that follow each other, so that a device needs to hold the weights of one
 * only: the embeddings (`input_ids` int64 [batch, tokens] → `x` [batch, tokens, hidden]), each decoder layer (`x` →
 * `x`), the head (`x` → `logits` [batch, tokens, vocabulary]).
 */
export function traceTextPieces(config: OwlConfig, batch: number, tokens: number): Graph[] {
  const { language } = config;
  const scope = modelScope(config).at("language_model");
  const rows = [dim("batch", batch), dim("tokens", tokens)];
  const x = (): Tensor => input("x", "float32", [...rows, dim("hidden", language.hidden)]);
  const attend = wholeSequenceAttention(language, batch, tokens);
  const layers = Array.from({ length: language.layers }, (_, i) => ({
    name: `layer ${i}`,
    outputs: { x: decoderLayer(scope, i, x(), attend, language) },
  }));
  return [
    { name: "embeddings", outputs: { x: embedTokens(scope, input("input_ids", "int64", rows), language) } },
    ...layers,
    { name: "head", outputs: { logits: languageHead(scope, finalNorm(scope, x(), language), language) } },
  ];
}
