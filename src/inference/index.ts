export { ClosedError } from "./closed.ts";
export { Decoder, evenCount, type InTurn } from "./decoder.ts";
export { engineDefaults, engineDefaultWords } from "./engine-defaults.ts";
export { KeyValueRows, type PrefillChunk, type Row } from "./key-value-rows.ts";
export { type BoundProgram, concatenated, LoadedModel, picturesAtOnce } from "./loaded-model.ts";
export {
  checkPrompt,
  type Picture,
  type PlacedPicture,
  type PositionKey,
  type Prompt,
  pictureOf,
  placedPictures,
  positionKeys,
} from "./prompt.ts";
export { areMappable, storedParameters } from "./stored-weights.ts";
export { textLogits } from "./text-logits.ts";
export type { CacheStatistics } from "./visual-cache.ts";
