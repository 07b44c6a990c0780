export {
  type CompileOptions,
  Device,
  type DeviceOptions,
  deviceRules,
  openDevice,
  type StoredParameters,
} from "./device.ts";
export { type BoundRun, Program } from "./program.ts";
export { FeedError } from "./signature.ts";
