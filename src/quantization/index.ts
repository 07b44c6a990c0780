export { type PackedRows, packRows, unpackRows } from "./blocks.ts";
export { type ConversionOptions, type ConversionReport, convertCheckpoint } from "./convert.ts";
export { type ConversionSettings, quantizationOf } from "./plan.ts";
