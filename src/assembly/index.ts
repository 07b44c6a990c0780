export { type AssembledPart, type AssemblyOptions, type AssemblyReport, assembleOwl } from "./assemble.ts";
export { type MergeOptions, type MergeReport, mergeCheckpoint } from "./merge.ts";
export { probeVision } from "./probe-vision.ts";
export { readPublishedVision, sizedVision } from "./vision.ts";
