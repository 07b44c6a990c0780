import { jsonl } from "./jsonl.ts";
import { type DataFormat, openRowSource, type RowSource, type RowSourceOptions } from "./row-source.ts";

/** The formats that files of rows may have, as recipes name them. */
export type DataFormatName = "jsonl";

/**
 * Every format of training data. A further one is a file that reads it, its name above and a row here: recipes, checks,
 * training and `owl tokenizer` follow.
 */
export const dataFormats: Readonly<Record<DataFormatName, DataFormat>> = { jsonl };

export const dataFormatNames = Object.keys(dataFormats) as DataFormatName[];

/** The format whose extension a file has; undefined where it is no format's. */
export function formatByExtension(path: string): DataFormatName | undefined {
  const name = path.toLowerCase();
  return dataFormatNames.find((format) =>
    dataFormats[format].extensions.some((extension) => name.endsWith(extension)),
  );
}

/** The format of a file by its name; mPLUG-Owl's own where the name tells nothing. */
export function dataFormatOf(path: string): DataFormatName {
  return formatByExtension(path) ?? "jsonl";
}

/**
 * Opens a file of rows, in the format that its name tells unless one is given, and checks all of its rows.
 *
 * @throws DataError naming every row that cannot be used
 */
export function openRows(
  path: string,
  {
    format = dataFormatOf(path),
    ...options
  }: RowSourceOptions & { readonly format?: DataFormatName | undefined } = {},
): Promise<RowSource> {
  return openRowSource(path, dataFormats[format], options);
}
