export { type CheckedIndex, readCheckedFile, writeCheckedFile } from "./checked-file.ts";
export * from "./collate.ts";
export type { DataFormat } from "./data-format.ts";
export * from "./dense.ts";
export * from "./encode.ts";
export * from "./encode-text.ts";
export * from "./example.ts";
export * from "./formats/formats.ts";
export { jsonlSource } from "./formats/jsonl.ts";
export { formOfGoodRows, type GoodRowsForm, writeGoodRows } from "./good-rows.ts";
export { type LengthBin, LengthCounts } from "./length-counts.ts";
export { groupedByLength, type LengthGrouping } from "./length-groups.ts";
export { likelyContent } from "./likely-content.ts";
export type { FileCheckOptions, MediaTotals } from "./media-check.ts";
export type { PixelTask, RowPixels } from "./media-pixels.ts";
export { hasMediaThreads, type MediaReader, openMediaReader } from "./media-reader.ts";
export * from "./order.ts";
export * from "./pairs.ts";
export type { Picture } from "./picture.ts";
export type { ReadSettings } from "./read-settings.ts";
export * from "./reader.ts";
export { markProblems, type Row, type RowContent, rowContents } from "./row.ts";
export { type CheckedRows, checkRows, firstRows, type RowCheckOptions } from "./row-check.ts";
export { RowIndex } from "./row-index.ts";
export { RowLengths } from "./row-lengths.ts";
export { type RowLine, readRowLines } from "./row-lines.ts";
export { type PictureReading, rowPlaces } from "./row-places.ts";
export type { RowProblems } from "./row-problems.ts";
export {
  indexedRowSource,
  type KnownRows,
  keptPictureBytes,
  nameOf,
  type RowSource,
  type RowSourceOptions,
} from "./row-source.ts";
export { RowStore } from "./row-store.ts";
export * from "./skipped-rows.ts";
export { type SpelledPart, spelledParts } from "./spelled.ts";
export * from "./texts.ts";
export type { TokenRow } from "./token-row.ts";
