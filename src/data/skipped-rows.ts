import { DataError, rowName, type Source } from "./example.ts";

/** A row that could not be read. */
export interface SkippedRow {
  readonly row: string;
  readonly reason: string;
  /** The row in its place; none where it is only left out. */
  readonly replacedBy?: string | undefined;
}

/** The rows of a run that could not be read and are left out, up to a number of them. */
export class SkippedRows {
  readonly most: number;
  readonly #names = new Set<string>();
  readonly #told = new Set<string>();
  #untold: SkippedRow[] = [];

  constructor(most: number) {
    this.most = most;
  }

  /** Every row that was left out, each once. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** Counts rows that an earlier part of the run left out. */
  restore(names: readonly string[]): void {
    for (const name of names) {
      this.#names.add(name);
      this.#told.add(name);
    }
  }

  /** Those noted since the last call. */
  take(): SkippedRow[] {
    const taken = this.#untold;
    this.#untold = [];
    return taken;
  }

  /** @throws the error where there are more such rows than may be left out */
  admit(row: string, error: unknown): void {
    if (!(error instanceof DataError)) throw error;
    if (this.#names.has(row)) return;
    if (this.#names.size < this.most) {
      this.#names.add(row);
      return;
    }
    if (this.most === 0) throw error;
    throw new DataError(
      `${error.message}; ${this.most} such rows were left out already, as many as allowed`,
      {
        cause: error,
      },
    );
  }

  /** Remembers what stands in a row's place, for whoever keeps the log. */
  note(skipped: SkippedRow): void {
    if (this.#told.has(skipped.row)) return;
    this.#told.add(skipped.row);
    this.#untold.push(skipped);
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
    length: source.length,
    nameOf: (index) => rowName(source, index),
    example: async (index) => {
      const { at, example, reason } = await firstGood(index);
      if (at !== index)
        skipped.note({ row: rowName(source, index), reason, replacedBy: rowName(source, at) });
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
      skipped.note({ row, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    length: places.length,
    example: (index) => source.example(places[index]),
    nameOf: (index) => rowName(source, places[index]),
  };
}
