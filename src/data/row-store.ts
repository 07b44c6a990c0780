import { openFile } from "../platform/index.ts";
import type { RowReader, StoredRow } from "./data-format.ts";
import { DataError, type RowGroup } from "./example.ts";
import type { ReadGroup } from "./record.ts";
import type { Row } from "./row.ts";
import type { RowKeeper } from "./row-check.ts";
import { RowIndex, type RowPlace, textSum } from "./row-index.ts";
import { utf8Text } from "./row-lines.ts";

/** Files whose rows have fewer characters stay in memory. */
const charactersKept = 2 ** 24;

export interface RowStoreOptions {
  /** Reads single rows again; without it all rows stay in memory. */
  readonly reader?: RowReader | undefined;
  /** Where rows lie that were found before. */
  readonly index?: RowIndex | undefined;
  /** How many characters of rows stay in memory where they can be read again. */
  readonly charactersKept?: number | undefined;
}

/** The rows of a file: in memory while they are few, or else by where they lie, to be read again one by one. */
export class RowStore implements RowKeeper {
  readonly #path: string;
  readonly #reader: RowReader | undefined;
  readonly #most: number;
  readonly #index: RowIndex;
  #rows: Row[] | undefined;
  #characters = 0;
  readonly #groups: { start: number; end: number; bytes: number }[] = [];
  #lastGroup: ReadGroup | undefined;

  constructor(path: string, { reader, index, charactersKept: most = charactersKept }: RowStoreOptions) {
    this.#path = path;
    this.#reader = reader;
    this.#most = reader === undefined ? Number.POSITIVE_INFINITY : most;
    this.#index = index ?? new RowIndex();
    this.#rows = index === undefined ? [] : undefined;
  }

  get length(): number {
    return this.#rows?.length ?? this.#index.length;
  }

  /** Where the rows lie; undefined where they cannot be read again. */
  get index(): RowIndex | undefined {
    return this.#reader === undefined ? undefined : this.#index;
  }

  /** The rows that are read together, where the file is read by groups. */
  get groups(): readonly RowGroup[] | undefined {
    return this.#groups.length === 0 ? undefined : this.#groups;
  }

  keep(row: Row, { line, stored, place, group }: StoredRow): void {
    if (group !== undefined) this.#addTo(group);
    if (this.#reader !== undefined) {
      if (place === undefined) throw new Error(`${this.#path}: line ${line} must have a place`);
      this.#index.add({ line, ...place, sum: textSum(stored) });
    }
    this.#characters += stored.length;
    if (this.#characters > this.#most) this.#rows = undefined;
    this.#rows?.push(row);
  }

  #addTo(group: ReadGroup): void {
    const row = this.#rows?.length ?? 0;
    if (group !== this.#lastGroup) this.#groups.push({ start: row, end: row, bytes: group.bytes });
    this.#lastGroup = group;
    this.#groups[this.#groups.length - 1].end = row + 1;
  }

  all(): readonly Row[] | undefined {
    return this.#rows;
  }

  /** What names a row in errors. */
  nameOf(index: number): Pick<Row, "line" | "label"> {
    return this.#rows?.[index] ?? { line: this.#index.place(index).line };
  }

  /** @throws DataError where the file has changed since its rows were found */
  async row(index: number): Promise<Row> {
    const kept = this.#rows?.[index];
    if (kept !== undefined) return kept;
    const place = this.#index.place(index);
    const row = await this.#reader?.(place.line, () => this.#textAt(place));
    if (row !== undefined && "text" in row) return row;
    throw new DataError(`${this.#path}:${place.line}: ${row?.join("; ") ?? "cannot be read again"}`);
  }

  async #textAt({ line, start, length, sum }: RowPlace): Promise<string> {
    const where = `${this.#path}:${line}`;
    const file = await openFile(this.#path).catch((error: unknown) => {
      throw new DataError(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
    try {
      const bytes = new Uint8Array(length);
      if (start + length <= file.size) await file.read(bytes, start);
      const text = utf8Text(bytes);
      if (text !== undefined && textSum(text) === sum) return text;
      throw new DataError(
        `${where}: must be as it was when the rows were checked, got a changed file; put it back, or begin again`,
      );
    } finally {
      await file.close();
    }
  }
}
