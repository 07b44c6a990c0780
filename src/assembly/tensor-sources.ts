import type { TensorSource } from "../checkpoint/index.ts";

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
