export { type ModelOptions, writeModel } from "./write-model.ts";
export type { StoredParameter, Target } from "./writer.ts";
