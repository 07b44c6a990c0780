import {
  parentDirectory,
  pathKind,
  realPath,
  relativePath,
  writePiecesAtomically,
} from "../platform/index.ts";
import type { ContentPart, RowText } from "../prompt/index.ts";
import type { DataFormat } from "./data-format.ts";
import { DataError } from "./example.ts";
import type { Picture } from "./picture.ts";
import { isRecord } from "./record.ts";
import type { Row } from "./row.ts";
import { type CheckedRows, firstRows, type RowCheckOptions } from "./row-check.ts";
import { headerOf } from "./storages/delimited.ts";
import { storageAt } from "./storages/storages.ts";

/** How the good rows of a file are written. */
export interface GoodRowsForm {
  /** Whether they keep their own text; else each becomes a line of JSON with everything in it. */
  readonly isOwn: boolean;
  /** The ending of a file's name that holds them. */
  readonly ending: "jsonl" | "json" | "tsv";
}

/**
 * How the good rows of a file are written into a directory. Lines, lists and tables keep their own text where the paths in them
 * stay right; else each row becomes a line of JSON: mPLUG-Owl's own form, `messages`, or a picture and its caption, with paths as
 * seen from there, and pictures that lie inside of other files as base64.
 */
export async function formOfGoodRows(
  path: string,
  directory: string,
  { images }: RowCheckOptions,
  { media }: Pick<CheckedRows, "media">,
): Promise<GoodRowsForm> {
  const storage = await storageAt(path);
  const pathsStay =
    media.files === 0 || images !== undefined || (await isSame(directory, parentDirectory(path)));
  if (pathsStay && storage === "lines") return { isOwn: true, ending: "jsonl" };
  if (pathsStay && storage === "list") return { isOwn: true, ending: "json" };
  if (pathsStay && storage === "tsv" && /\.tsv$/i.test(path)) return { isOwn: true, ending: "tsv" };
  return { isOwn: false, ending: "jsonl" };
}

async function isSame(directory: string, other: string): Promise<boolean> {
  if ((await pathKind(directory)) !== "directory") return false;
  return (await realPath(directory)) === (await realPath(other));
}

/**
 * Writes the rows of a checked file that have no problem.
 *
 * @throws DataError where there is something at `out`, or its name is another format's
 */
export async function writeGoodRows(
  path: string,
  out: string,
  format: DataFormat,
  options: RowCheckOptions,
  found: Pick<CheckedRows, "problems" | "media">,
): Promise<GoodRowsForm> {
  if ((await pathKind(out)) !== "missing")
    throw new DataError(`${out}: must not be there yet, got a file or directory; name another one`);
  const directory = parentDirectory(out);
  const form = await formOfGoodRows(path, directory, options, found);
  requireEnding(out, form);
  const header = form.isOwn && form.ending === "tsv" ? await headerOf(path, options) : undefined;
  async function* rows(): AsyncGenerator<string> {
    for await (const { line, stored, row } of firstRows(path, format, options)) {
      if (!("text" in row) || found.problems.isBad(line)) continue;
      yield form.isOwn ? stored : JSON.stringify(await plainRow(row, stored, directory));
    }
  }
  await writePiecesAtomically(
    out,
    piecesOf(form.ending === "json" ? asList(rows()) : asLines(header, rows())),
  );
  return form;
}

async function* asLines(header: string | undefined, rows: AsyncIterable<string>): AsyncGenerator<string> {
  if (header !== undefined) yield `${header}\n`;
  for await (const row of rows) yield `${row}\n`;
}

async function* asList(rows: AsyncIterable<string>): AsyncGenerator<string> {
  let between = "[\n";
  for await (const row of rows) {
    yield between + row;
    between = ",\n";
  }
  yield between === "[\n" ? "[]\n" : "\n]\n";
}

/** Endings of names that say by themselves what a file holds. */
const tellingEnding = /\.(?:tsv|csv|parquet|tar)$/i;

function requireEnding(out: string, { ending }: GoodRowsForm): void {
  const fits = ending === "tsv" ? /\.tsv$/i.test(out) : !tellingEnding.test(out);
  if (fits) return;
  throw new DataError(`${out}: must end in .${ending}, which is how these rows are written`);
}

const pieceBytes = 2 ** 20;

/** Texts one behind the other as pieces of a file. */
async function* piecesOf(texts: AsyncIterable<string>): AsyncGenerator<readonly [number, Uint8Array]> {
  const encoder = new TextEncoder();
  let [position, waiting] = [0, ""];
  for await (const text of texts) {
    waiting += text;
    if (waiting.length < pieceBytes) continue;
    const bytes = encoder.encode(waiting);
    yield [position, bytes];
    position += bytes.length;
    waiting = "";
  }
  yield [position, encoder.encode(waiting)];
}

/** A row as a JSON object that says everything by itself. */
async function plainRow(row: Row, stored: string, directory: string): Promise<object> {
  const { text, rejected, content } = row;
  const images = await Promise.all(row.images.map((picture) => pictureText(picture, directory)));
  const videos = row.videos.map((video) => relativePath(directory, video));
  const shown = {
    ...(images.length > 0 && { images }),
    ...(videos.length > 0 && { videos }),
  };
  if (typeof text !== "string" && typeof rejected === "object")
    return { chosen: text.map(plainMessage), rejected: rejected.map(plainMessage), ...shown };
  if (typeof text !== "string") return { messages: text.map(plainMessage), ...shown };
  if (content === "caption") return { image: images[0], text };
  const own = ownRecord(stored);
  return {
    ...own,
    ...(images.length > 0 && { image: images }),
    ...(videos.length > 0 && { video: videos }),
    text,
  };
}

/** The keys of a row of mPLUG-Owl's format, those that it does not read with them. */
function ownRecord(stored: string): object {
  try {
    const value: unknown = JSON.parse(stored);
    return isRecord(value) && typeof value.text === "string" ? value : {};
  } catch {
    return {};
  }
}

type TaughtMessage = Exclude<RowText, string>[number];

/** A message whose pictures stand in the row's own list. */
function plainMessage({ role, content }: TaughtMessage): object {
  if (typeof content === "string") return { role, content };
  const part = (one: ContentPart<number, number>): object => (one.type === "text" ? one : { type: one.type });
  return { role, content: content.map(part) };
}

async function pictureText(picture: Picture, directory: string): Promise<string> {
  if (typeof picture === "string") return relativePath(directory, picture);
  const bytes = await picture.read();
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `data:;base64,${btoa(binary)}`;
}
