import {
  entriesByName,
  entryBytes,
  storedNumbers,
  type TensorEntry,
  type TensorSource,
} from "../checkpoint/index.ts";
import { type DerivedInputs, type InlineParameter, type StoredParameter, writeModel } from "../onnx/index.ts";
import { type FilePiece, joinPath, writeFileAtomically, writePiecesAtomically } from "../platform/index.ts";
import { elementCount, type Graph, placeholdersOf } from "../tensor/index.ts";

/** Where weights come from, and how they are stored. */
export interface ModelWeights {
  readonly source: TensorSource;
  /** Number format of matrices in floating point. */
  readonly floatType: "F32" | "F16";
  /** Up to so many bytes the weights stand in the model itself, more in files beside it. */
  readonly inlineBytes: number;
  /** Largest of these files, but for a larger tensor. */
  readonly maxFileBytes: number;
  /** Is called with the bytes that were written. */
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A model to write. */
export interface WrittenGraph {
  readonly graph: Graph;
  readonly derived: DerivedInputs;
}

type Stored = StoredParameter["type"];
interface Placed extends TensorEntry {
  readonly type: Stored;
}

/** Offsets of tensors in files are multiples of this. */
const ALIGNMENT = 64;

/** Elements that are read at once. */
const ELEMENTS_AT_ONCE = 4 * 2 ** 20;

/** The weights that a graph asks for, in the formats they are stored in. */
export function weightsOf({ graph }: WrittenGraph, { source, floatType }: ModelWeights): Placed[] {
  const known = entriesByName(source);
  return [...placeholdersOf(graph).parameters.keys()].map((name) => {
    const entry = known.get(name);
    if (entry === undefined) throw new RangeError(`${graph.name}: needs the weight ${name}, got none`);
    // Vectors (norms, biases) are small and sensitive.
    const isVector = entry.dims.length < 2 || /\.scales$/.test(name);
    const isBytes = entry.type === "U8" || entry.type === "I8";
    return { ...entry, type: isBytes ? entry.type : isVector ? "F32" : floatType };
  });
}

/**
 * Writes a model as `<name>.onnx`, and its weights, where they are large, as `<name>.onnx_data`, `<name>.onnx_data_1` and so
 * on, which is how transformers.js looks for them.
 *
 * @returns how many files of weights there are
 */
export async function writeOnnxFiles(
  directory: string,
  name: string,
  written: WrittenGraph,
  weights: ModelWeights,
): Promise<number> {
  const entries = weightsOf(written, weights);
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  const model = `${name}.onnx`;
  if (bytes <= weights.inlineBytes) {
    await writeFileAtomically(
      joinPath(directory, model),
      modelBytes(written, await inline(entries, weights)),
    );
    return 0;
  }
  const files = dataFiles(entries, `${model}_data`, weights.maxFileBytes);
  for (const { file, placed } of files) {
    await writePiecesAtomically(joinPath(directory, file), piecesOf(placed, weights));
  }
  const places = files.flatMap(({ file, placed }) =>
    placed.map(({ entry, offset }): [string, StoredParameter] => [
      entry.name,
      { file, offset, bytes: entryBytes(entry), type: entry.type },
    ]),
  );
  await writeFileAtomically(joinPath(directory, model), modelBytes(written, new Map(places)));
  return files.length;
}

function modelBytes(
  { graph, derived }: WrittenGraph,
  stored: ReadonlyMap<string, StoredParameter | InlineParameter>,
): Uint8Array {
  return writeModel(graph, { stored, derived });
}

async function inline(
  entries: readonly Placed[],
  { source, onBytes, signal }: ModelWeights,
): Promise<Map<string, InlineParameter>> {
  const all = new Map<string, InlineParameter>();
  for (const { name, type } of entries) {
    signal?.throwIfAborted();
    const data = storedNumbers(name, (await source.read(name)).data, type);
    all.set(name, { data, type });
    onBytes(data.byteLength);
  }
  return all;
}

interface Place {
  readonly entry: Placed;
  readonly offset: number;
}

function dataFiles(
  entries: readonly Placed[],
  name: string,
  most: number,
): { readonly file: string; readonly placed: Place[] }[] {
  const files: { file: string; placed: Place[] }[] = [];
  let end = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    let offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    if (offset + entryBytes(entry) > most) {
      files.push({ file: files.length === 0 ? name : `${name}_${files.length}`, placed: [] });
      offset = 0;
    }
    files[files.length - 1].placed.push({ entry, offset });
    end = offset + entryBytes(entry);
  }
  return files;
}

async function* piecesOf(
  placed: readonly Place[],
  { source, onBytes, signal }: ModelWeights,
): AsyncGenerator<FilePiece> {
  for (const { entry, offset } of placed) {
    const { name, dims, type } = entry;
    const [rows = 1] = dims;
    const width = elementCount(dims) / rows;
    const step = Math.max(1, Math.floor(ELEMENTS_AT_ONCE / width));
    for (let from = 0; from < rows; from += step) {
      signal?.throwIfAborted();
      const to = Math.min(from + step, rows);
      const { data } = await source.read(
        name,
        dims.length === 0 || to - from === rows ? undefined : [from, to],
      );
      const bytes = storedNumbers(name, data, type);
      yield [offset + from * (entryBytes(entry) / rows), bytes];
      onBytes(bytes.byteLength);
    }
  }
}
