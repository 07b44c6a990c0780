import { dim, type Graph, gather, input, type Scope, type Tensor, transpose } from "../tensor/index.ts";
import { attentionOverPast, pastDims } from "./language/past-attention.ts";
import { decoderLayers, embedTokens, finalNorm, languageHead } from "./language-model.ts";
import { encodeImages, pixelInput } from "./owl.ts";
import type { OwlConfig } from "./owl-config.ts";
import { modelScope } from "./quantization.ts";

// The three graphs into which other programs cut a model of pictures and texts, with the names that they look for.

/** `pixel_values` [images, 3, imageSize, imageSize] → `image_features` [images, queries + 1, language hidden]. */
export function traceImageFeatures(config: OwlConfig, scope: Scope = modelScope(config)): Graph {
  const { tokens } = encodeImages(scope, pixelInput(config), config);
  return { name: "vision_encoder", outputs: { image_features: tokens } };
}

/** `rows` int64 [batch, tokens], each below the size of the vocabulary → `inputs_embeds` [batch, tokens, hidden]. */
export function traceEmbeddings(config: OwlConfig, scope: Scope = modelScope(config)): Graph {
  const ids = input("rows", "int64", [pastDims.batch, pastDims.tokens]);
  const embedded = embedTokens(scope.at("language_model"), ids, config.language);
  return { name: "embed_tokens", outputs: { inputs_embeds: embedded } };
}

/**
 * `inputs_embeds` [batch, tokens, hidden], `kept` int64 [kept], the tokens whose logits are wanted, and the inputs of
 * `attentionOverPast` → `logits` [batch, kept, vocabulary], `present.N.key`, `present.N.value`.
 *
 * @param positions no sequence may become longer
 */
export function traceDecoder(config: OwlConfig, positions: number, scope: Scope = modelScope(config)): Graph {
  const { language } = config;
  const at = scope.at("language_model");
  const hidden = dim("hidden", language.hidden);
  const embeddings = input("inputs_embeds", "float32", [pastDims.batch, pastDims.tokens, hidden]);
  const kept = input("kept", "int64", [dim("kept")]);
  const select = (x: Tensor): Tensor => transpose(gather(transpose(x, [1, 0, 2]), kept), [1, 0, 2]);
  const { attention, present } = attentionOverPast(language, positions);
  const decoded = decoderLayers(at, embeddings, language, { attention, selectRows: select });
  const logits = languageHead(at, finalNorm(at, decoded, language), language);
  return { name: "decoder_model_merged", outputs: { logits, ...present } };
}
