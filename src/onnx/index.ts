export { writeModel } from "./write-model.ts";
export type { Target } from "./writer.ts";
