import { DataError, reordered, rowName, type Source } from "./example.ts";

/** A row that could not be read. */
export interface SkippedRow {
  readonly row: string;
  readonly reason: string;
  /** The row in its place; none where it is only left out. */
  readonly replacedBy?: string | undefined;
}

const heldOut = " (held out)";
const nameOf = ({ row, replacedBy }: SkippedRow): string => (replacedBy === undefined ? row + heldOut : row);

const rowOf = (name: string): string => (name.endsWith(heldOut) ? name.slice(0, -heldOut.length) : name);

/** The rows of a run that could not be read and are left out, up to a number of them. */
export class SkippedRows {
  readonly limit: number;
  readonly #names = new Set<string>();
  readonly #reported = new Set<string>();
  readonly #told = new Set<string>();
  #unreported: SkippedRow[] = [];

  constructor(most: number) {
    this.limit = most;
  }

  /** Every row that was left out, each once; one that was held out says so behind its name. */
  get names(): readonly string[] {
    return [...this.#reported];
  }

  /** Takes over what an earlier part of the run left out: it counts, and is not reported again. */
  restore(names: readonly string[]): void {
    for (const name of names) {
      this.#names.add(rowOf(name));
      this.#reported.add(name);
      this.#told.add(name);
    }
    this.#unreported = this.#unreported.filter((skipped) => !names.includes(nameOf(skipped)));
  }

  /** The rows recorded since the last call. */
  takeUnreported(): SkippedRow[] {
    const taken = this.#unreported;
    this.#unreported = [];
    return taken;
  }

  /**
   * Counts rows that were left out here or by other processes, which read other parts of an update.
   *
   * @returns those that were not told before, each once
   * @throws DataError where all processes together left out more than allowed
   */
  tellOnce(rows: readonly SkippedRow[]): SkippedRow[] {
    const news: SkippedRow[] = [];
    for (const skipped of rows) {
      const name = nameOf(skipped);
      if (this.#told.has(name)) continue;
      this.#told.add(name);
      this.#reported.add(name);
      this.#names.add(skipped.row);
      news.push(skipped);
    }
    const rowsTold = new Set([...this.#told].map(rowOf));
    if (rowsTold.size <= this.limit || news.length === 0) return news;
    throw new DataError(
      `${news.at(-1)?.reason}; ${this.limit} such rows were left out already, as many as allowed`,
    );
  }

  /** Allows a row that cannot be read to be left out. @throws the error where there are more such rows than may be left out */
  admit(row: string, error: unknown): void {
    if (!(error instanceof DataError)) throw error;
    if (this.#names.has(row)) return;
    if (this.#names.size < this.limit) {
      this.#names.add(row);
      return;
    }
    if (this.limit === 0) throw error;
    throw new DataError(
      `${error.message}; ${this.limit} such rows were left out already, as many as allowed`,
      {
        cause: error,
      },
    );
  }

  /** Records a row that was left out, for the log. */
  record(skipped: SkippedRow): void {
    const name = nameOf(skipped);
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    this.#unreported.push(skipped);
  }
}

const longestSearch = 1000;

/**
 * An endless source in which the next row that can be read takes the place of one that cannot. Which one that is depends on
 * the source alone, so a run that goes on finds the same again.
 */
export function withoutBadRows<T>(source: Source<T>, skipped: SkippedRows): Source<T> {
  const firstGood = async (index: number): Promise<{ at: number; example: T; reason: string }> => {
    let reason = "";
    for (let at = index; ; at++) {
      try {
        return { at, example: await source.example(at), reason };
      } catch (error) {
        if (at - index >= longestSearch) throw error;
        skipped.admit(rowName(source, at), error);
        if (at === index) reason = error instanceof Error ? error.message : String(error);
      }
    }
  };
  return {
    ...source,
    nameOf: (index) => rowName(source, index),
    example: async (index) => {
      const { at, example, reason } = await firstGood(index);
      if (at !== index)
        skipped.record({ row: rowName(source, index), reason, replacedBy: rowName(source, at) });
      return example;
    },
  };
}

/** The rows of a finite source that can be read. */
export async function readableRows<T>(source: Source<T>, skipped: SkippedRows): Promise<Source<T>> {
  const places: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const row = rowName(source, index);
    try {
      await source.example(index);
      places.push(index);
    } catch (error) {
      skipped.admit(row, error);
      skipped.record({ row, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    length: places.length,
    example: (index) => source.example(places[index]),
    ...reordered(source, (index) => places[index]),
  };
}
