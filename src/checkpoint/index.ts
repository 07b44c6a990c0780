export {
  type Adapter,
  adapterFrom,
  adapterSource,
  besideAdapter,
  loadAdapter,
  loraPlacement,
  saveAdapter,
} from "./adapter.ts";
export { baseWarning } from "./adapter-base.ts";
export { describeLora, type LoraConfig, parseAdapterConfig } from "./adapter-config.ts";
export { storedAdapter } from "./adapter-fit.ts";
export { loraName, modulesOf } from "./adapter-names.ts";
export {
  type Checkpoint,
  type CheckpointContent,
  loadCheckpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  readTokenizerFiles,
  saveCheckpoint,
} from "./checkpoint.ts";
export { CheckpointError } from "./errors.ts";
export { ggmlNumbers, type WrittenGgmlType } from "./gguf-narrow.ts";
export { mergedTensors, mergeLora, validateAdapter } from "./merge-lora.ts";
export { readModelConfig } from "./model-config.ts";
export { requireNoModel, writeSettingsFiles } from "./new-model.ts";
export { narrowFloats, widenBfloat16, widenHalf } from "./number-formats.ts";
export { readPreprocessing, type StoredPreprocessing } from "./preprocessing.ts";
export { type HalfType, isHalf, readHalves } from "./read-halves.ts";
export { renamed } from "./renamed.ts";
export {
  isRun,
  openRun,
  type RunCheckpoint,
  resultOfRun,
  runAround,
  runCheckpoints,
  startDirectory,
  startFile,
  stateModelType,
} from "./run-directory.ts";
export {
  openSafetensors,
  parseSafetensors,
  readSafetensors,
  type SafetensorsContent,
  type SafetensorsFile,
} from "./safetensors.ts";
export type { StoredTensor } from "./safetensors-header.ts";
export {
  entryBytes,
  type FloatType,
  safetensorsBytes,
  safetensorsLayout,
  storedNumbers,
  type WriteOptions,
  writeSafetensors,
} from "./safetensors-write.ts";
export type { StoredType } from "./stored-types.ts";
export {
  entriesByName,
  type FilePlace,
  type RowRange,
  readAll,
  rowsOf,
  type StateDict,
  type TensorEntry,
  type TensorSource,
} from "./tensor-source.ts";
export { openTorch } from "./torch-file.ts";
export { type ExpectedParameter, headIsTied, validatedWeights, validateParameters } from "./validate.ts";
export { type ModelReader, openValidated, type ValidatedCheckpoint } from "./validated-checkpoint.ts";
export {
  adapterFile,
  indexFile,
  safetensors,
  type WeightFormat,
  weightFormats,
  wholeFile,
} from "./weight-formats.ts";
export { hasWeights, openWeights, weightFiles } from "./weights.ts";
export {
  type MakeRows,
  type PlannedTensor,
  planShards,
  type ShardSettings,
  shardName,
  shardRules,
  type WrittenShards,
  writeShards,
} from "./write-shards.ts";
