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
