export { type ModelOptions, writeModel } from "./write-model.ts";
export type { StoredParameter } from "./writer.ts";
