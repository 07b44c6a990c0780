import type { SizeFromTensor } from "./config-reading.ts";

/** What of a checkpoint's tensors a config can be read from: their names and sizes. */
export type TensorSizes = Pick<ReadonlyMap<string, { readonly dims: readonly number[] }>, "has" | "get">;

/** The sizes of a section of config.json; the tensors' names begin with the prefix. */
export interface SectionSizes {
  /** Absent: the top of the file. */
  readonly section?: string;
  readonly prefix: string;
  readonly sizes: readonly SizeFromTensor[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sizeIn(tensors: TensorSizes, prefix: string, size: SizeFromTensor): number | undefined {
  if ("tensor" in size) return tensors.get(prefix + size.tensor)?.dims[size.axis];
  let layers = 0;
  while (tensors.has(prefix + size.layer(layers))) layers++;
  return layers;
}

/**
 * A config.json with the sizes that it leaves out, as the tensors have them. The published defaults come only
 * after: the abstractor's MLP is 4,096 wide by default and 2,816 in the released files. What config.json says
 * stays; whether the tensors agree is for `validateParameters` to judge.
 */
export function withSizesFromTensors(
  json: unknown,
  tensors: TensorSizes,
  sections: readonly SectionSizes[],
): unknown {
  if (!isRecord(json)) return json;
  const complete: Record<string, unknown> = { ...json };
  for (const { section, prefix, sizes } of sections) {
    const part = section === undefined ? complete : complete[section];
    if (!isRecord(part)) continue;
    const found = sizes.map((size) => [size.key, part[size.key] ?? sizeIn(tensors, prefix, size)] as const);
    const known = Object.fromEntries(found.filter(([, size]) => size !== undefined && size !== 0));
    if (section === undefined) Object.assign(complete, known);
    else complete[section] = { ...part, ...known };
  }
  return complete;
}
