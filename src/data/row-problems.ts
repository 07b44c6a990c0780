import { DataError, type RowUnit } from "./example.ts";

/** What is wrong with one row. */
export interface LineProblem {
  readonly line: number;
  /** What errors call the row in place of its number. */
  readonly label?: string | undefined;
  readonly problem: string;
}

const shapes: Readonly<Record<RowUnit, string>> = {
  line: "one training row a line",
  item: "a list of training rows",
  row: "training rows",
  sample: "pictures with their texts",
  picture: "pictures with their texts",
  annotation: "captions of pictures",
};

/** So many problems of a file are told where nobody asks for more. */
const usuallyShown = 20;

/** Everything that is wrong with the rows of a file: its first problems in full, and which rows are bad. */
export class RowProblems {
  readonly path: string;
  /** What the file's rows are called. */
  unit: RowUnit;
  readonly #most: number;
  readonly #bad = new LineSet();
  #first: LineProblem[] = [];
  #count = 0;

  /** @param most how many problems are kept in full: those of the first rows */
  constructor(path: string, unit: RowUnit, most = usuallyShown) {
    this.path = path;
    this.unit = unit;
    this.#most = most;
  }

  /** How many problems there are. */
  get count(): number {
    return this.#count;
  }

  /** How many rows have a problem. */
  get rows(): number {
    return this.#bad.size;
  }

  add(problem: LineProblem): void {
    this.#count++;
    if (problem.line > 0) this.#bad.add(problem.line);
    const isBehind = problem.line >= (this.#first.at(-1)?.line ?? 0);
    if (this.#first.length < this.#most) this.#first.push(problem);
    else if (isBehind) return;
    else this.#first[this.#first.length - 1] = problem;
    if (!isBehind) this.#first = this.#first.toSorted((a, b) => a.line - b.line);
  }

  /** Whether the row of this line has a problem. */
  isBad(line: number): boolean {
    return this.#bad.has(line);
  }

  /** The first problems, a line each, and how many more there are. */
  listed(): string[] {
    const lines = this.#first.map(({ line, label, problem }) =>
      line === 0 || problem.startsWith(`${this.path}:`)
        ? problem
        : `${this.unit} ${label ?? line}: ${problem}`,
    );
    const more = this.#count - lines.length;
    return more > 0 ? [...lines, `and ${more} more`] : lines;
  }

  /** @throws DataError that lists the problems, if there are any */
  require(): void {
    if (this.#count === 0) return;
    const count = `${this.#count} problem${this.#count === 1 ? "" : "s"}`;
    const list = this.listed().map((line) => `  ${line}`);
    throw new DataError(
      `${this.path}: must hold ${shapes[this.unit]}, got ${count}:\n${list.join("\n")}\nCorrect or remove these ${this.unit}s.`,
    );
  }
}

/** Numbers of lines, a bit each. */
class LineSet {
  size = 0;
  #bits = new Uint8Array(128);

  has(line: number): boolean {
    return ((this.#bits[line >> 3] ?? 0) & (1 << (line & 7))) !== 0;
  }

  add(line: number): void {
    if (this.has(line)) return;
    const at = line >> 3;
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, 2 * this.#bits.length));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[at] |= 1 << (line & 7);
    this.size++;
  }
}
