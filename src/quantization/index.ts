export {
  dequantizeRows,
  type QuantizedBlocks,
  type QuantizedRows,
  quantizeRows,
  unpackedZeroPoints,
} from "./blocks.ts";
export { type ConversionOptions, type ConversionReport, convertCheckpoint } from "./convert.ts";
export { type BlockSize, type ConversionSettings, quantizationOf } from "./plan.ts";
export { quantizeTransposed, rowsAsBlocks } from "./rows.ts";
