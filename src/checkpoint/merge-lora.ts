import { isInModule } from "../model/index.ts";
import { allocate, type HostTensor, loraScale } from "../tensor/index.ts";
import type { Adapter } from "./adapter.ts";
import { loraName, modulesOf } from "./adapter-names.ts";
import { CheckpointError } from "./errors.ts";
import {
  entriesByName,
  type RowRange,
  rowsOf,
  type StateDict,
  type TensorEntry,
  type TensorSource,
} from "./tensor-source.ts";

/** The changes that an adapter makes to a model's tensors, by their names. */
interface Changes {
  readonly replaced: StateDict;
  readonly added: ReadonlyMap<string, Addition>;
}

/** A low-rank addition to a weight [outputs, inputs]: `scale · up · down`, and the lengths that a DoRA gives its rows. */
interface Addition {
  /** [rank, inputs] */
  readonly down: HostTensor;
  /** [outputs, rank] */
  readonly up: HostTensor;
  readonly scale: number;
  /** [outputs]; the rows have the lengths that they have if absent. */
  readonly lengths: HostTensor | undefined;
}

/**
 * Merges an adapter into a model's weights: `V = W + scale · B · A` (of a DoRA `m / ‖V‖ · V`), and the replaced tensors.
 * Untouched tensors are shared with the input, which is not changed.
 *
 * @throws CheckpointError naming every tensor of the adapter that the model has not, or in another shape
 */
export function mergeLora(tensors: StateDict, adapter: Adapter, where = "adapter"): StateDict {
  const { replaced, added } = changesOf(tensors, adapter, where);
  const merged: StateDict = new Map([...tensors, ...replaced]);
  for (const [name, addition] of added) merged.set(name, withAddition(merged.get(name)!, addition));
  return merged;
}

/**
 * As {@link mergeLora} for weights that are read one at a time: each is merged when it is read. Closing the result closes
 * the source.
 */
export function mergedTensors(source: TensorSource, adapter: Adapter, where = "adapter"): TensorSource {
  const { replaced, added } = changesOf(entriesByName(source), adapter, where);
  const read = async (name: string, rows?: RowRange): Promise<HostTensor> => {
    const other = replaced.get(name);
    const tensor = other ? rowsOf(other, rows) : await source.read(name, rows);
    const addition = added.get(name);
    return addition ? withAddition(tensor, ofRows(addition, rows)) : tensor;
  };
  // A changed tensor has no place in the files, from which it could be mapped.
  const tensors = source.tensors.map(({ name, type, dims, place }): TensorEntry => {
    const isKept = place !== undefined && !replaced.has(name) && !added.has(name);
    return { name, type, dims, ...(isKept && { place }) };
  });
  return { path: source.path, tensors, read, close: () => source.close() };
}

/**
 * Checks that an adapter fits a model, before any weight is read.
 *
 * @param tensors the model's, of which only the sizes matter
 * @throws CheckpointError naming every tensor of the adapter that the model has not, or in another shape
 */
export function validateAdapter(
  tensors: ReadonlyMap<string, { readonly dims: readonly number[] }>,
  adapter: Adapter,
  where = "adapter",
): void {
  changesOf(tensors, adapter, where);
}

/** Tables of tokens, and the layer that a model has not where it takes its table for it. */
const tokenTable = /^language_model\..*\b(embed_tokens|word_embeddings)\.weight$/;
const outputLayer = "language_model.lm_head.weight";

function changesOf(
  tensors: ReadonlyMap<string, { readonly dims: readonly number[] }>,
  { replaced, lora, settings }: Adapter,
  where: string,
): Changes {
  const problems: string[] = [];
  const requireFit = (name: string, dims: readonly number[]): void => {
    const known = tensors.get(name);
    if (!known) problems.push(`${name} [${dims.join(", ")}], which the model has not`);
    else if (known.dims.join() !== dims.join()) {
      problems.push(`${name} [${dims.join(", ")}] where the model's is [${known.dims.join(", ")}]`);
    }
  };
  for (const [name, { dims, dtype }] of replaced) {
    requireFit(name, dims);
    if (dtype !== "float32") problems.push(`${name} as ${dtype} where the model's is floating point`);
  }
  const { modulesToSave = [] } = settings;
  for (const name of replaced.keys()) {
    const isApart = tokenTable.test(name) && modulesToSave.some((module) => isInModule(name, module));
    if (isApart && !tensors.has(outputLayer))
      problems.push(`${name}, which is this model's output layer too; PEFT saved it for the input alone`);
  }
  const added = new Map<string, Addition>();
  for (const module of modulesOf(lora)) {
    const [down, up] = [lora.get(loraName(module, "A"))!, lora.get(loraName(module, "B"))!];
    requireFit(`${module}.weight`, [up.dims[0], down.dims[1]]);
    const lengths = lora.get(loraName(module, "magnitude"));
    added.set(`${module}.weight`, { down, up, scale: loraScale(settings), lengths });
  }
  if (problems.length > 0) {
    throw new CheckpointError(where, "must fit the model", problems, "Was it trained on this model?");
  }
  return { replaced, added };
}

/** The addition to some rows of the weight. */
function ofRows({ up, lengths, ...rest }: Addition, rows: RowRange | undefined): Addition {
  return { ...rest, up: rowsOf(up, rows), lengths: lengths && rowsOf(lengths, rows) };
}

function withAddition(weight: HostTensor, { down: a, up: b, scale, lengths }: Addition): HostTensor {
  const [outputs, inputs] = weight.dims;
  const rank = a.dims[0];
  const merged = allocate("float32", weight.dims);
  const [base, down, up] = [weight.data, a.data, b.data] as [Float32Array, Float32Array, Float32Array];
  const row = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = up[o * rank + r];
      for (let i = 0; i < inputs; i++) row[i] += factor * down[r * inputs + i];
    }
    for (let i = 0; i < inputs; i++) row[i] = base[o * inputs + i] + scale * row[i];
    const factor = lengths === undefined ? 1 : (lengths.data as Float32Array)[o] / norm(row);
    for (let i = 0; i < inputs; i++) merged.data[o * inputs + i] = factor * row[i];
  }
  return merged;
}

/** The Euclidean length of a row. */
const norm = (row: Float64Array): number => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
