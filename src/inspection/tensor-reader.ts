import type { StateDict } from "../checkpoint/index.ts";
import type { HostTensor } from "../tensor/index.ts";

/** Reads tensors by name and collects the problems of those that do not fit. */
export class TensorReader {
  readonly #tensors: StateDict;
  readonly #prefix: string;
  readonly #problems: string[];

  constructor(tensors: StateDict, prefix: string, problems: string[]) {
    this.#tensors = tensors;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  required(name: string, rank: number): HostTensor | undefined {
    const tensor = this.#tensors.get(this.#prefix + name);
    if (tensor === undefined) this.#problems.push(`${this.#prefix}${name} must be there`);
    else if (tensor.dims.length !== rank) {
      this.#problems.push(
        `${this.#prefix}${name} must have ${rank} dimensions, got [${tensor.dims.join(", ")}]`,
      );
    } else return tensor;
    return undefined;
  }

  /** The tensor, where it is there and of these sizes (undefined: any). */
  tensor(name: string, sizes: readonly (number | undefined)[]): HostTensor | undefined {
    const tensor = this.#tensors.get(this.#prefix + name);
    if (tensor === undefined) return undefined;
    const fits =
      tensor.dims.length === sizes.length &&
      sizes.every((size, i) => size === undefined || size === tensor.dims[i]);
    if (fits) return tensor;
    const must = sizes.map((size) => size ?? "any").join(", ");
    this.#problems.push(`${this.#prefix}${name} must be [${must}], got [${tensor.dims.join(", ")}]`);
    return undefined;
  }
}

/** A tensor [rows, width] as lists of numbers; none where there is no tensor. */
export function rowsOf(tensor: HostTensor | undefined, rows: number, width: number): number[][] {
  if (tensor === undefined) return [];
  const values = Array.from<number | bigint, number>(tensor.data, Number);
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}
