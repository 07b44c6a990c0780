import { nearestName, parentDirectory } from "../../platform/index.ts";
import { DataError } from "../example.ts";
import { type Picture, pictureOf } from "../picture.ts";
import type { ReadSettings } from "../read-settings.ts";
import {
  type FoundRecord,
  isEmpty,
  isRecord,
  otherMedia,
  type RecordValue,
  withoutBytes,
} from "../record.ts";
import type { Row } from "../row.ts";
import { textDamage } from "../text-problems.ts";
import { conversationOfTurns, type GivenTurn } from "../turns.ts";

/** What a record says, before its pictures are looked for. */
export interface Reading {
  /** Turns of a conversation, or a text: a caption where there is a picture, else whatever the recipe says. */
  readonly says: readonly GivenTurn[] | string;
  /** The same conversation with an answer that is the worse one. */
  readonly rejected?: readonly GivenTurn[] | undefined;
  /** Values of pictures, in order: whatever {@link pictureOf} reads. */
  readonly pictures?: readonly unknown[];
  /** Paths of videos. */
  readonly videos?: readonly unknown[];
}

/** The values of a format's fields in a record. */
export type Fields = Readonly<Record<string, unknown>>;

/** A format whose rows are records of keys or columns, however a file stores them. */
export interface RecordFormat {
  /**
   * The fields it reads, and the keys they are found under, the usual one first. A recipe's `columns` names others.
   */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** The fields that hold lists of objects; a column may have these as JSON text. In any other field such a text is a text. */
  readonly lists: readonly string[];
  /** Keys that say by themselves, filled or not, that a record was meant for this format. */
  readonly signature: readonly string[];
  /** Whether a record with these fields is of this format. */
  recognises(fields: Fields): boolean;
  /** What a record says; RowProblem for what is wrong with it. */
  read(fields: Fields, settings: ReadSettings): Reading;
}

/** What is wrong with one row, problem by problem. */
export class RowProblem extends Error {
  override name = "RowProblem";
  readonly problems: readonly string[];

  constructor(...problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** Keys that hold what no format here can teach; where they are filled, something of the row would be left out. */
const unsupportedKeys: Readonly<Record<string, string>> = {
  audio: "sound",
  audios: "sound",
  tools: "tools",
  functions: "tools",
  chosen: "preferences",
  rejected: "preferences",
  chosen_response: "preferences",
  rejected_response: "preferences",
};

/** Keys that say whether an answer is a good one, as in KTO's rows: only good ones could be learned. */
const verdictKeys = ["label", "kto_tag"];

/** The keys in a record under which a format's fields stand: those that the recipe names, else those that are filled. */
export function keysOf(
  { fields }: RecordFormat,
  record: RecordValue,
  columns: Readonly<Record<string, string>> = {},
): { readonly keys: Readonly<Record<string, string>>; readonly problems: readonly string[] } {
  const keys: Record<string, string> = {};
  const problems: string[] = [];
  for (const [field, names] of Object.entries(fields)) {
    const named = Object.hasOwn(columns, field) ? columns[field] : undefined;
    if (named !== undefined) {
      keys[field] = named;
      continue;
    }
    const found = Object.keys(record).filter(
      (key) => names.includes(key.toLowerCase()) && !isEmpty(record[key]),
    );
    const exact = found.find((key) => key === names[0]);
    const others = exact === undefined ? found.slice(1) : otherMedia(record, exact, found);
    const key = exact ?? found[0];
    if (others.length > 0)
      problems.push(
        `${field}: may be ${[key, ...others].join(" or ")}; name the one in the recipe, columns: { ${field}: ${key} }`,
      );
    if (key !== undefined) keys[field] = key;
  }
  return { keys, problems };
}

/** The values of a format's fields, where one of them is empty none. */
export function fieldsOf(
  { lists }: Pick<RecordFormat, "lists">,
  record: RecordValue,
  keys: Readonly<Record<string, string>>,
): Fields {
  const filled = Object.entries(keys).filter(([, key]) => !isEmpty(record[key]));
  return Object.fromEntries(
    filled.map(([field, key]) => [field, lists.includes(field) ? asList(record[key]) : record[key]]),
  );
}

/** A list of objects that a column holds as JSON text; any other value as it is. */
export function asList(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*\[\s*\{/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Names of `columns` that a format does not read. */
export function foreignColumns(
  { fields }: RecordFormat,
  columns: Readonly<Record<string, string>> = {},
): string[] {
  const known = Object.keys(fields);
  return Object.keys(columns)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearestName(name, known);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      return `columns: must name ${known.join(", ")}, got ${name}${hint}`;
    });
}

/** Where a record was found, and how its pictures are read again. */
export interface RecordPlace {
  readonly path: string;
  readonly settings: ReadSettings;
}

/** The row of a record, or everything that is wrong with it. */
export function rowOfRecord(
  format: RecordFormat,
  { line, label, value, again }: FoundRecord,
  { path, settings }: RecordPlace,
): Row | readonly string[] {
  if (typeof value === "string") return [value];
  const { keys, problems: unclear } = keysOf(format, value, settings.columns);
  const problems = [
    ...unclear,
    ...missingColumns(value, settings),
    ...unsupported(value, Object.values(keys)),
  ];
  if (problems.length > 0) return problems;
  try {
    const readAgain = async (): Promise<Reading> =>
      format.read(fieldsOf(format, await again(), keys), settings);
    const reading = format.read(fieldsOf(format, value, keys), settings);
    const directory = settings.images ?? parentDirectory(path);
    return rowOfReading(reading, {
      line,
      label,
      directory,
      name: `${path}:${label ?? line}`,
      again: async (picture) => (await readAgain()).pictures?.[picture],
    });
  } catch (error) {
    if (error instanceof RowProblem) return error.problems;
    throw error;
  }
}

/** Which of the recipe's `columns` a record does not have. */
export function missingColumns(record: RecordValue, { columns = {} }: ReadSettings): string[] {
  return Object.entries(columns)
    .filter(([, key]) => !Object.hasOwn(record, key))
    .map(([field, key]) => `columns: ${field} is said to be ${key}, got a row of ${keysShown(record)}`);
}

export const keysShown = (record: RecordValue): string =>
  Object.keys(record).slice(0, 12).join(", ") || "no key";

function unsupported(record: RecordValue, used: readonly string[]): string[] {
  const foreign = Object.entries(unsupportedKeys)
    .filter(([key]) => !isEmpty(record[key]) && !used.includes(key))
    .map(
      ([key, what]) =>
        `"${key}" has ${what}, which cannot be learned here; leave the row out or the key empty`,
    );
  const judged = verdictKeys
    .filter((key) => /^(?:true|false)$/i.test(String(record[key])) && !used.includes(key))
    .map(
      (key) =>
        `"${key}" says whether the answer is a good one (${record[key]}), which cannot be learned here; keep the rows of good answers, without this key`,
    );
  return [...foreign, ...judged];
}

/** Where the pictures of a reading come from. */
export interface ReadingPlace {
  readonly line: number;
  readonly label?: string | undefined;
  readonly directory: string;
  readonly name: string;
  readonly again: (picture: number) => Promise<unknown>;
}

export function rowOfReading(
  { says, rejected, pictures = [], videos = [] }: Reading,
  { line, label, directory, name, again }: ReadingPlace,
): Row | readonly string[] {
  const problems: string[] = [];
  const images = pictures.flatMap((value, i): Picture[] => {
    const called = pictures.length === 1 ? `the picture of ${name}` : `picture ${i + 1} of ${name}`;
    try {
      return [pictureOf(value, { directory, name: called, again: () => again(i) })];
    } catch (error) {
      problems.push(`picture ${i + 1} ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  const paths = videos.flatMap((value, i): string[] => {
    if (typeof value === "string" && !/^\s*(https?|data):/i.test(value))
      return [pictureOf(value, { directory, name, again: () => again(i) }) as string];
    problems.push(`video ${i + 1} must be the path of a file`);
    return [];
  });
  const row = { line, label, images, videos: paths };
  if (typeof says === "string") {
    problems.push(...textDamage(says));
    return problems.length > 0
      ? problems
      : { ...row, text: says, content: pictures.length === 0 ? undefined : "caption" };
  }
  const shown = { pictures: pictures.length, videos: videos.length };
  const conversation = conversationOfTurns(says, shown);
  const other = rejected && conversationOfTurns(rejected, shown);
  if ("problems" in conversation) return [...conversation.problems, ...problems];
  if (other && "problems" in other)
    return [...other.problems.map((problem) => `the rejected answer: ${problem}`), ...problems];
  if (problems.length > 0) return problems;
  return {
    ...row,
    text: conversation.messages,
    ...(other && { rejected: other.messages }),
    content: "conversation",
  };
}

/** A value that may be one or several. */
export function listOf(value: unknown): readonly unknown[] {
  if (isEmpty(value)) return [];
  return Array.isArray(value) ? value.filter((one) => one !== null && one !== undefined) : [value];
}

/** A text; RowProblem where a field holds something else. */
export function requireText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  const got =
    value === undefined || value === null ? "nothing" : JSON.stringify(value, withoutBytes)?.slice(0, 60);
  throw new RowProblem(`${what} must be a text, got ${got}`);
}

/** The objects of a list; RowProblem where there is something else. */
export function requireRecords(value: unknown, what: string): readonly RecordValue[] {
  if (Array.isArray(value) && value.every(isRecord)) return value;
  const got = Array.isArray(value) ? "other items" : value === undefined ? "nothing" : `a ${typeof value}`;
  throw new RowProblem(`${what} must be a list of objects, got ${got}`);
}

/** @throws DataError for `columns` that the format does not read */
export function requireKnownColumns(path: string, format: RecordFormat, { columns }: ReadSettings): void {
  const problems = foreignColumns(format, columns);
  if (problems.length > 0) throw new DataError(`${path}: ${problems.join("\n")}`);
}
