import { DataError, dataFormats, formOfGoodRows, type GoodRowsForm, writeGoodRows } from "../data/index.ts";
import { fileName, joinPath } from "../platform/index.ts";
import type { DataReport, FileReport } from "./check-data.ts";

/** A file that the good rows of another one were written to. */
export interface FixedFile extends GoodRowsForm {
  readonly file: string;
  readonly out: string;
  readonly rows: number;
}

/**
 * Writes the good rows of all files that were checked: of one file to `out`, of several into the directory `out`.
 *
 * @throws DataError where there is something at one of the places; nothing is written over
 */
export async function writeFixedData({ files }: DataReport, out: string): Promise<FixedFile[]> {
  const isSingle = files.length === 1;
  const written: FixedFile[] = [];
  const names = new Set<string>();
  for (const { file, found } of files) {
    if (found === undefined || file.format === undefined) continue;
    const { file: path, format, weight: _, ...settings } = file;
    const rows = found.rows.rows - found.rows.problems.rows;
    if (rows === 0) continue;
    const place = isSingle ? out : joinPath(out, await nameIn(out, file, found.rows));
    if (names.has(place))
      throw new DataError(`${place}: two of the files would be written here; check them one by one`);
    names.add(place);
    const form = await writeGoodRows(path, place, dataFormats[format], settings, found.rows);
    written.push({ file: path, out: place, rows, ...form });
  }
  return written;
}

async function nameIn(
  directory: string,
  file: FileReport["file"],
  found: NonNullable<FileReport["found"]>["rows"],
): Promise<string> {
  const { ending } = await formOfGoodRows(file.file, directory, file, found);
  return `${fileName(file.file).replace(/\.[^.]*$/, "")}.${ending}`;
}
