import { jsonl } from "./jsonl.ts";
import type { DataFormat, RowSource, RowSourceOptions } from "./row-source.ts";

/** Every format that files of rows may have, by its name in recipes. */
export const dataFormats = { jsonl } satisfies Readonly<Record<string, DataFormat>>;

export type DataFormatName = keyof typeof dataFormats;

export const dataFormatNames = Object.keys(dataFormats) as DataFormatName[];

/** The format of a file by its name; mPLUG-Owl's own where the name tells nothing. */
export function dataFormatOf(path: string): DataFormatName {
  const name = path.toLowerCase();
  const found = dataFormatNames.find((format) =>
    dataFormats[format].extensions.some((extension) => name.endsWith(extension)),
  );
  return found ?? "jsonl";
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
  return dataFormats[format].open(path, options);
}
