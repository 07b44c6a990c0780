import { entriesByName, type TensorEntry, type TensorSource } from "../checkpoint/index.ts";
import { elementCount, type HostTensor } from "../tensor/index.ts";

/**
 * A source's tensors under other names, and (of the same numbers) in other sizes.
 *
 * @param dimsOf by the new name; keeps the sizes if absent
 */
export function renamed(
  source: TensorSource,
  nameOf: (name: string) => string,
  dimsOf: (name: string, dims: readonly number[]) => readonly number[] = (_, dims) => dims,
): TensorSource {
  const origins = new Map(source.tensors.map(({ name }) => [nameOf(name), name]));
  const tensors = source.tensors.map(({ name, type, dims }): TensorEntry => {
    const other = nameOf(name);
    return { name: other, type, dims: dimsOf(other, dims) };
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

/** Several sources as one, with different names all. */
export function combined(path: string, sources: readonly TensorSource[]): TensorSource {
  const owners = new Map(sources.flatMap((source) => source.tensors.map(({ name }) => [name, source])));
  return {
    path,
    tensors: sources.flatMap(({ tensors }) => tensors),
    read: (name, rows) => {
      const owner = owners.get(name);
      if (owner === undefined) throw new RangeError(`${path}: holds no tensor ${JSON.stringify(name)}`);
      return owner.read(name, rows);
    },
    close: async () => {
      for (const source of sources) await source.close();
    },
  };
}
