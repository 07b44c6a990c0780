import { elementCount, type HostTensor } from "../tensor/index.ts";
import { entriesByName, type TensorEntry, type TensorSource } from "./tensor-source.ts";

/**
 * A source's tensors under other names, and (of the same numbers) in other sizes.
 *
 * @param nameOf undefined for those that are left out
 * @param dimsOf by the new name; keeps the sizes if absent
 */
export function renamed(
  source: TensorSource,
  nameOf: (name: string) => string | undefined,
  dimsOf: (name: string, dims: readonly number[]) => readonly number[] = (_, dims) => dims,
): TensorSource {
  const origins = new Map<string, string>();
  const tensors = source.tensors.flatMap((entry): TensorEntry[] => {
    const name = nameOf(entry.name);
    if (name === undefined) return [];
    origins.set(name, entry.name);
    return [{ ...entry, name, dims: dimsOf(name, entry.dims) }];
  });
  const known = entriesByName({ tensors });
  return {
    path: source.path,
    tensors,
    read: async (name, rows) => {
      const tensor = await source.read(origins.get(name) ?? name, rows);
      const entry = known.get(name);
      return rows === undefined && entry ? withDims(tensor, entry.dims) : tensor;
    },
    close: () => source.close(),
  };
}

function withDims(tensor: HostTensor, dims: readonly number[]): HostTensor {
  return elementCount(dims) === tensor.data.length ? { ...tensor, dims } : tensor;
}
