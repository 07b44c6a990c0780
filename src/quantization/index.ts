export { type QuantizedRows, quantizeRows } from "./blocks.ts";
export { type ConversionOptions, type ConversionReport, convertCheckpoint } from "./convert.ts";
export { type ConversionSettings, quantizationOf } from "./plan.ts";
