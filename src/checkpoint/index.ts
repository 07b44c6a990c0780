export { type Adapter, adapterFrom, loadAdapter, loraName, mergeLora, saveAdapter } from "./adapter.ts";
export type { LoraSettings } from "./adapter-config.ts";
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
export { type FittingCheckpoint, openFitting } from "./fitting.ts";
export { narrowFloats } from "./number-formats.ts";
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
  type WriteOptions,
  writeSafetensors,
} from "./safetensors-write.ts";
export { shardIndex, shardName, splitIntoShards } from "./sharded.ts";
export type { StoredType } from "./stored-types.ts";
export {
  entriesByName,
  type NamedTensors,
  type Rows,
  readAll,
  type TensorEntry,
  type TensorSource,
} from "./tensor-source.ts";
export { openTorch } from "./torch-file.ts";
export { type ExpectedParameter, fittingWeights, verifyParameters } from "./verify.ts";
