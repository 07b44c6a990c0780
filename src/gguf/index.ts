/** GGUF files, llama.cpp's format of language models: their header, its meaning, and the same the other way round. */
export {
  type Architecture,
  architectureFor,
  architectures,
  factorTensors,
  type GemmaRules,
  ggufName,
  isNorm,
  isQueryOrKey,
  publishedName,
} from "./architectures.ts";
export { type GgmlTypeName, ggmlBytes, ggmlTypes } from "./ggml-types.ts";
export { type GgufHeader, type GgufReading, type GgufTensor, readGgufHeader } from "./header.ts";
export { isGguf } from "./is-gguf.ts";
export { Metadata, type MetadataValue, type OnMetadataProblem } from "./metadata.ts";
export {
  type GgufModel,
  gemmaQueryScalar,
  readModelSettings,
  sentencePieceIds,
  sentencePieceModel,
} from "./model-settings.ts";
export { ggufParts } from "./parts.ts";
export type { RopeFactors } from "./rope-settings.ts";
export { type GgufLayout, ggufLayout, type WrittenTensor, type WrittenValue } from "./write.ts";
