import { openFile } from "../../platform/index.ts";
import { DataError } from "../example.ts";
import { type FoundRecord, isRecord, type RecordValue } from "../record.ts";
import { firstInvalid, markLength, readRowLines, utf8Text } from "../row-lines.ts";
import { jsonItems } from "./json-items.ts";

/** The objects of a file that has one a line. */
export async function* lineRecords(path: string): AsyncGenerator<FoundRecord> {
  for await (const { number, text, invalidUtf8, start, length } of readRowLines(path)) {
    const value =
      text === undefined ? `must be UTF-8, got ${invalidUtf8}; save the file as UTF-8` : recordOf(text);
    yield {
      line: number,
      unit: "line",
      stored: text ?? "",
      place: { start, length },
      value,
      again: () => readAgain(path, start, length),
    };
  }
}

/** The objects of a file that is one list. */
export async function* listRecords(path: string): AsyncGenerator<FoundRecord> {
  const file = await openFile(path);
  try {
    const head = new Uint8Array(Math.min(file.size, 3));
    await file.read(head, 0);
    for await (const { number, start, bytes, problem } of jsonItems(file, markLength(head))) {
      const text = utf8Text(bytes);
      const { length } = bytes;
      const again = (): Promise<RecordValue> => readAgain(path, start, length);
      const wrong =
        problem ??
        (text === undefined
          ? `must be UTF-8, got ${firstInvalid(bytes)}; save the file as UTF-8`
          : undefined);
      const value = wrong ?? recordOf(text ?? "");
      yield { line: number, unit: "item", stored: text ?? "", place: { start, length }, value, again };
    }
  } finally {
    await file.close();
  }
}

async function readAgain(path: string, start: number, length: number): Promise<RecordValue> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(length);
    await file.read(bytes, start);
    const value = recordOf(utf8Text(bytes) ?? "");
    if (typeof value === "string") throw new DataError(`${path}: has changed since it was checked: ${value}`);
    return value;
  } finally {
    await file.close();
  }
}

/** A JSON object, or what is wrong with it. */
export function recordOf(text: string): RecordValue | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (/,\s*$/.test(text))
      return "must be JSON, got a comma behind the object; a line holds the object alone";
    return `must be JSON, got ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`;
  }
  return isRecord(value) ? value : "must be a JSON object";
}
