/** Text to token ids and back. */
export { contentOf as tokenContentOf } from "./added-tokens.ts";
export type { AlignedIds, EncodeOptions, TextPart } from "./encoder.ts";
export { type TokenizerConfiguration, TokenizerError, type TokenizerJson } from "./format.ts";
export { readGgufTokenizer, type TokenizerContent } from "./gguf-tokenizer.ts";
export { loadTokenizer, publishedTemplate, saveTokenizer, withoutTokenizer } from "./load.ts";
export { convertSentencePiece } from "./sentencepiece.ts";
export { ggufTokenizer } from "./to-gguf.ts";
export { createTokenizer, type DecodeOptions, type TextStream, type Tokenizer } from "./tokenizer.ts";
export { type TokenizerTraining, trainTokenizer } from "./train.ts";
export type { WrittenForm } from "./written-tokens.ts";
