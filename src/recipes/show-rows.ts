import {
  dataFormats,
  encodeText,
  firstRows,
  markProblems,
  nameOf,
  type RowContent,
  type SpelledPart,
  spelledParts,
} from "../data/index.ts";
import { PromptError, type RowText } from "../prompt/index.ts";
import { type TextModel, textOptions } from "./batches.ts";
import { type RowReading, settingsOf, videosFor, withFormat } from "./check-data.ts";
import type { DataFile } from "./recipe-file.ts";
import { type RowPlaces, TextCheck } from "./text-check.ts";

/** A row as the model will see it, or why it cannot. */
export interface ShownRow {
  readonly name: string;
  readonly problems: readonly string[];
  readonly parts: readonly SpelledPart[];
  /** Oldest turns that were left out because of the length. */
  readonly turnsLeftOut: number;
  readonly isCut: boolean;
}

/**
 * The first rows of files as the model will see them; of pictures at most the size is looked at.
 *
 * @throws DataError where a whole file is no file of rows
 */
export async function* shownRows(
  reading: RowReading & { readonly model: TextModel },
  count: number,
): AsyncGenerator<ShownRow> {
  for (const { file } of reading.files) yield* rowsOfFile(file, reading, count);
}

async function* rowsOfFile(
  file: DataFile,
  reading: RowReading & { readonly model: TextModel },
  count: number,
): AsyncGenerator<ShownRow> {
  const { format, usualContent, file: path, ...settings } = await withFormat(file, reading.plan);
  let content = file.content;
  const texts = new TextCheck(path, settingsOf(reading));
  const options = { ...settings, rows: Math.min(count, file.rows ?? count) };
  for await (const stored of firstRows(path, dataFormats[format], options)) {
    const { row } = stored;
    const name = nameOf(path, stored);
    if (!("text" in row)) {
      yield badRow(name, row);
      continue;
    }
    content ??= row.content ?? usualContent;
    const wrong = markProblems(row, content, videosFor(reading) !== undefined);
    if (wrong.length > 0) yield badRow(name, wrong);
    else {
      const { text, rejected } = row;
      const known = { content, isVideo: row.videos.length > 0, places: await texts.placesOf(row) };
      yield spelled({ ...known, name, text: texts.completed(text, content) }, reading);
      if (rejected === undefined) continue;
      const other = { name: `${name}, the rejected answer`, text: texts.completed(rejected, content) };
      yield spelled({ ...known, ...other }, reading);
    }
  }
}

const badRow = (name: string, problems: readonly string[]): ShownRow => ({
  name,
  problems,
  parts: [],
  turnsLeftOut: 0,
  isCut: false,
});

interface NamedText {
  readonly name: string;
  readonly text: RowText;
  readonly content: RowContent;
  readonly isVideo: boolean;
  readonly places: RowPlaces;
}

function spelled(
  { name, text, content, isVideo, places }: NamedText,
  reading: RowReading & { readonly model: TextModel },
): ShownRow {
  const { model } = reading;
  try {
    const options = { ...textOptions(settingsOf(reading), model, content), ...places };
    const sample = encodeText(text, name, options, isVideo ? "video" : "image");
    const { turnsLeftOut = 0, isCut } = sample;
    return {
      name,
      problems: [],
      parts: spelledParts(sample, model.tokenizer, places.pictures?.marker),
      turnsLeftOut,
      isCut,
    };
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    return badRow(name, [error.message.replace(`${name}: `, "")]);
  }
}
