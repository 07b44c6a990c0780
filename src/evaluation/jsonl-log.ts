import type { z } from "zod";
import {
  type AppendOnlyFile,
  decodeText,
  type FileLock,
  openAppendOnlyFile,
  pathKind,
  readBytes,
  tryLockFile,
} from "../platform/index.ts";
import { EvaluationError, requireNoProblems } from "./error.ts";

/** An append-only JSONL file: one JSON object a line, and a line that is written stays as it is. */
export interface JsonlLog<Row> {
  readonly path: string;
  /** All rows, those included that were appended. */
  readonly rows: readonly Row[];
  /** Returns when the row is on the disk: from then on it is there whatever happens to the process. */
  append(row: Row): Promise<void>;
  close(): Promise<void>;
}

/**
 * The rows of a JSONL file. Empty lines are skipped, and so is an incomplete last line: its writer was stopped before the row
 * counted as written.
 *
 * @throws EvaluationError naming every line that is no such row
 */
export async function readJsonl<Row>(path: string, schema: z.ZodType<Row>): Promise<Row[]> {
  return parseJsonl(path, await readBytes(path), schema).rows;
}

/**
 * Opens a JSONL file to append to it; it is made if it is not there.
 *
 * @throws EvaluationError as {@link readJsonl}, and where another program has it open
 */
export async function openJsonlLog<Row>(path: string, schema: z.ZodType<Row>): Promise<JsonlLog<Row>> {
  const lock = await tryLockFile(`${path}.lock`);
  if (lock === undefined) {
    throw new EvaluationError(
      `${path}: must be written by one program at a time, got another one that writes it; wait for its end, or name another file`,
    );
  }
  try {
    return await openLocked(path, schema, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked<Row>(path: string, schema: z.ZodType<Row>, lock: FileLock): Promise<JsonlLog<Row>> {
  const bytes = (await pathKind(path)) === "missing" ? new Uint8Array() : await readBytes(path);
  const { rows, wholeBytes } = parseJsonl(path, bytes, schema);
  const file = await openAppendOnlyFile(path);
  if (wholeBytes < bytes.length) await file.truncate(wholeBytes);
  if (wholeBytes > 0 && bytes[wholeBytes - 1] !== NEWLINE) await file.append(encoded("\n"));
  return new OpenJsonlLog(path, rows, file, lock);
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

class OpenJsonlLog<Row> implements JsonlLog<Row> {
  readonly path: string;
  readonly rows: Row[];
  readonly #file: AppendOnlyFile;
  readonly #lock: FileLock;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, rows: Row[], file: AppendOnlyFile, lock: FileLock) {
    this.path = path;
    this.rows = rows;
    this.#file = file;
    this.#lock = lock;
  }

  append(row: Row): Promise<void> {
    // Appends are serialised, or lines could mix. A failure rejects its own append only.
    const added = this.#last.then(async () => {
      await this.#file.requireInPlace();
      await this.#file.append(encoded(`${JSON.stringify(row)}\n`));
      await this.#file.flush();
      this.rows.push(row);
    });
    this.#last = added.catch(() => undefined);
    return added;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
    await this.#lock.release();
  }
}

const NEWLINE = 0x0a;

/** `wholeBytes`: up to where the file holds whole lines. */
function parseJsonl<Row>(
  path: string,
  bytes: Uint8Array,
  schema: z.ZodType<Row>,
): { readonly rows: Row[]; readonly wholeBytes: number } {
  const rows: Row[] = [];
  const problems: string[] = [];
  const lastLine = bytes.lastIndexOf(NEWLINE) + 1;
  // The last line may end in the middle of a letter.
  const torn = new TextDecoder().decode(bytes.subarray(lastLine));
  const isTorn = torn.trim() !== "" && parsedJson(torn) === undefined;
  const wholeBytes = isTorn ? lastLine : bytes.length;
  for (const [i, line] of decodeText(bytes.subarray(0, wholeBytes), path).split("\n").entries()) {
    if (line.trim() === "") continue;
    const value = parsedJson(line);
    if (value === undefined) {
      problems.push(`line ${i + 1}: no JSON`);
      continue;
    }
    const row = schema.safeParse(value);
    if (row.success) rows.push(row.data);
    else problems.push(`line ${i + 1}: ${row.error.issues.map(issueText).join(", ")}`);
  }
  requireNoProblems(path, "must hold one JSON object of its kind a line", problems);
  return { rows, wholeBytes };
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** `question_id: expected number, received string` */
export function issueText({ path, message }: z.core.$ZodIssue): string {
  const said = message.replace(/^Invalid input: /, "");
  return path.length === 0 ? said : `${path.join(".")}: ${said}`;
}
