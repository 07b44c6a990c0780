export { type BesideQuantized, besideQuantized } from "./beside-quantized.ts";
export { calibrateKvCache } from "./calibrate-cache.ts";
export { ClosedError } from "./closed-error.ts";
export { Decoder, evenCount } from "./decoder.ts";
export { engineDefaults, engineDefaultWords } from "./engine-defaults.ts";
export { KvSlots, type PrefillChunk, type Slot } from "./kv-slots.ts";
export { type BoundProgram, concatenated, imagesPerBatch, LoadedModel } from "./loaded-model.ts";
export { pictureAttention } from "./picture-attention.ts";
export { mostPrefilled, prefillPiece } from "./prefill-limit.ts";
export { owlPreprocessor } from "./preprocessing.ts";
export {
  checkPrompt,
  type Media,
  mediaFromPixels,
  mediaFromTile,
  type PlacedMedia,
  type PositionKey,
  type Prompt,
  placedMedia,
  positionKeys,
} from "./prompt.ts";
export type { RunExclusive } from "./run-exclusive.ts";
export { areMappable, storedParameters } from "./stored-weights.ts";
export { textLogits } from "./text-logits.ts";
export type { CacheStatistics } from "./visual-cache.ts";
