import { openFile, pathKind, writePiecesAtomically } from "../platform/index.ts";
import { RowIndex } from "./row-index.ts";
import { RowLengths } from "./row-lengths.ts";

/** What such a file begins with; the last sign is the layout's version. */
const magic = "owl rows 2\n";
/** The head's length follows, and the typed arrays behind it begin at a multiple of so many bytes. */
const alignment = 8;
const headStart = 16;

/** What is known of each row of a file. */
export interface CheckedIndex {
  /** Where it lies. */
  readonly index: RowIndex;
  readonly lengths: RowLengths;
}

/** Writes what is known of a file of rows: any facts, and what is known of each row. */
export async function writeCheckedFile(
  path: string,
  facts: unknown,
  { index, lengths }: CheckedIndex,
): Promise<void> {
  const head = new TextEncoder().encode(JSON.stringify(facts));
  const begin = new Uint8Array(bodyStart(head.length));
  begin.set(new TextEncoder().encode(magic));
  new DataView(begin.buffer).setUint32(headStart - 4, head.length, true);
  begin.set(head, headStart);
  async function* pieces(): AsyncGenerator<readonly [number, Uint8Array]> {
    yield [0, begin];
    let position = begin.length;
    for (const { buffer, byteOffset, byteLength } of [...index.parts(), lengths.all()]) {
      yield [position, new Uint8Array(buffer, byteOffset, byteLength)];
      position += byteLength;
    }
  }
  await writePiecesAtomically(path, pieces());
}

/** Reads such a file; undefined where there is none, or one of another layout: then the rows must be checked. */
export async function readCheckedFile(
  path: string,
): Promise<({ readonly facts: unknown } & CheckedIndex) | undefined> {
  if ((await pathKind(path)) !== "file") return undefined;
  const file = await openFile(path);
  try {
    const begin = new Uint8Array(headStart);
    if (file.size < headStart) return undefined;
    await file.read(begin, 0);
    if (!new TextDecoder().decode(begin).startsWith(magic)) return undefined;
    const length = new DataView(begin.buffer).getUint32(headStart - 4, true);
    const start = bodyStart(length);
    const rows = (file.size - start) / bytesEach;
    if (!Number.isInteger(rows) || rows < 0) return undefined;
    const head = new Uint8Array(length);
    await file.read(head, headStart);
    const [starts, numbers, tokens] = [
      new Float64Array(rows),
      new Uint32Array(3 * rows),
      new Uint32Array(rows),
    ];
    await file.read(new Uint8Array(starts.buffer), start);
    await file.read(new Uint8Array(numbers.buffer), start + starts.byteLength);
    await file.read(new Uint8Array(tokens.buffer), start + starts.byteLength + numbers.byteLength);
    return {
      facts: JSON.parse(new TextDecoder().decode(head)),
      index: new RowIndex(starts, numbers),
      lengths: new RowLengths(tokens),
    };
  } finally {
    await file.close();
  }
}

const bytesEach = 24;

const bodyStart = (headLength: number): number => Math.ceil((headStart + headLength) / alignment) * alignment;
