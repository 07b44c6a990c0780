import { dim, type Graph, input, type Tensor } from "../tensor/index.ts";
import type { OwlConfig } from "./config.ts";
import { wholeSequenceAttention } from "./language/whole-sequence-attention.ts";
import { decoderLayer, embedTokens, finalNorm, languageHead } from "./language-model.ts";
import { modelScope } from "./quantization.ts";

/**
 * A forward pass over text alone in pieces that follow each other, so that a device needs to hold the weights of one
 * only: the embeddings of `x` int64 [batch, tokens], each decoder layer (float32 [batch, tokens, hidden]), the head. Each
 * takes the result `y` of the one before as its input `x`; the last one's are the logits [batch, tokens, vocabulary].
 */
export function traceTextPieces(config: OwlConfig, batch: number, tokens: number): Graph[] {
  const { language } = config;
  const scope = modelScope(config).at("language_model");
  const rows = [dim("batch", batch), dim("tokens", tokens)];
  const x = (): Tensor => input("x", "float32", [...rows, dim("hidden", language.hidden)]);
  const attention = wholeSequenceAttention(language, batch, tokens);
  const layers = Array.from({ length: language.layers }, (_, i) => ({
    name: `layer ${i}`,
    outputs: { y: decoderLayer(scope, i, x(), attention, language) },
  }));
  return [
    { name: "embeddings", outputs: { y: embedTokens(scope, input("x", "int64", rows), language) } },
    ...layers,
    { name: "head", outputs: { y: languageHead(scope, finalNorm(scope, x(), language), language) } },
  ];
}
