import { dim, type Graph, input, type Tensor } from "../tensor/index.ts";
import { wholeSequenceAttention } from "./language/whole-sequence-attention.ts";
import { decoderLayer, embedTokens, finalNorm, languageHead, layerName } from "./language-model.ts";
import type { OwlConfig } from "./owl-config.ts";
import { modelScope } from "./quantization.ts";

/**
 * A forward pass over text alone, layer by layer: one graph for the embeddings of `x` int64 [batch, tokens], one for each
 * decoder layer (float32 [batch, tokens, hidden]), one for the head, so that a device holds the weights of one at a time.
 * Each takes the result `y` of the one before as its input `x`; the last one's are the logits [batch, tokens, vocabulary].
 */
export function traceLayerwise(config: OwlConfig, batch: number, tokens: number): Graph[] {
  const { language } = config;
  const scope = modelScope(config).at("language_model");
  const rows = [dim("batch", batch), dim("tokens", tokens)];
  const x = (): Tensor => input("x", "float32", [...rows, dim("hidden", language.hidden)]);
  const attention = wholeSequenceAttention(language, { batch, tokens });
  const layers = Array.from({ length: language.layers }, (_, i) => ({
    name: `layer ${i}`,
    outputs: { y: decoderLayer(scope.at(layerName(language, i)), x(), language, { attention, index: i }) },
  }));
  return [
    { name: "embeddings", outputs: { y: embedTokens(scope, input("x", "int64", rows), language) } },
    ...layers,
    { name: "head", outputs: { y: languageHead(scope, finalNorm(scope, x(), language), language) } },
  ];
}
