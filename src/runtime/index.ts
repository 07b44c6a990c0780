export { type CompileOptions, Device, type DeviceOptions, openDevice } from "./device.ts";
export { type BoundRun, Program } from "./program.ts";
export { FeedError } from "./signature.ts";
