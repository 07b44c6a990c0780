export { type Adapter, adapterFrom, loadAdapter, loraName, mergeLora, saveAdapter } from "./adapter.ts";
export type { LoraSettings } from "./adapter-config.ts";
export {
  type Checkpoint,
  type CheckpointContent,
  loadCheckpoint,
  readTokenizerFiles,
  saveCheckpoint,
} from "./checkpoint.ts";
export { CheckpointError } from "./errors.ts";
export {
  type FloatType,
  type NamedTensors,
  openSafetensors,
  parseSafetensors,
  readSafetensors,
  type SafetensorsContent,
  type SafetensorsFile,
  safetensorsBytes,
  type WriteOptions,
  writeSafetensors,
} from "./safetensors.ts";
export type { StoredTensor, StoredType } from "./safetensors-header.ts";
export { type ExpectedParameter, verifyParameters } from "./verify.ts";
