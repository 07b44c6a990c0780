export { type AssembledPart, type AssemblyOptions, type AssemblyReport, assembleOwl } from "./assemble.ts";
export type { WriteSettings } from "./write-weights.ts";
