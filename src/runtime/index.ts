export type { CompileOptions } from "../platform/index.ts";
export {
  type ConstantParameters,
  Device,
  type DeviceOptions,
  deviceRules,
  openDevice,
  type StoredParameters,
} from "./device.ts";
export { type BoundRun, Program } from "./program.ts";
export { compileWithWeights, quantizedParameters } from "./quantized-parameters.ts";
export { FeedError, type NamedTensors } from "./signature.ts";
