/** Text to token ids and back. */
export type { EncodeOptions, TextPart } from "./encoder.ts";
export type { TokenizerConfiguration, TokenizerJson } from "./format.ts";
export { TokenizerError } from "./format.ts";
export { loadTokenizer, saveTokenizer } from "./load.ts";
export { convertSentencePiece } from "./sentencepiece.ts";
export type { DecodeOptions, TextStream, Tokenizer } from "./tokenizer.ts";
export { createTokenizer } from "./tokenizer.ts";
export type { TokenizerTraining } from "./train.ts";
export { trainTokenizer } from "./train.ts";
