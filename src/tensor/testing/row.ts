import {
  allocate,
  dim,
  elementCount,
  float32,
  type HostTensor,
  input,
  int32,
  int64,
  parameter,
  type Shape,
  type Tensor,
} from "../index.ts";
import { randomStream } from "./random.ts";

/** Named sizes in the order of the axes: `{ batch: 2, tokens: 3 }`. */
export type Sizes = Readonly<Record<string, number>>;

/** An input or parameter of a row's graph, and how its numbers are drawn. */
export interface Feed {
  readonly sizes: Sizes;
  readonly kind: "input" | "parameter";
  readonly draw: (random: () => number, dims: readonly number[]) => HostTensor;
}

/** Floats spread evenly over a range; both signs unless told otherwise. */
export function floats(sizes: Sizes, from = -2, to = 2): Feed {
  const draw: Feed["draw"] = (random, dims) =>
    float32(
      Array.from({ length: elementCount(dims) }, () => from + (to - from) * random()),
      dims,
    );
  return { sizes, kind: "input", draw };
}

/** Like `floats`, as a learned parameter. */
export function learned(sizes: Sizes, from = -2, to = 2): Feed {
  return { ...floats(sizes, from, to), kind: "parameter" };
}

/** Indices 0 ≤ index < below. */
export function indices(sizes: Sizes, below: number): Feed {
  const draw: Feed["draw"] = (random, dims) =>
    int64(
      Array.from({ length: elementCount(dims) }, () => Math.floor(below * random())),
      dims,
    );
  return { sizes, kind: "input", draw };
}

/** Any bytes. */
export function bytes(sizes: Sizes): Feed {
  const draw: Feed["draw"] = (random, dims) => {
    const tensor = allocate("uint8", dims);
    for (const i of tensor.data.keys()) tensor.data[i] = Math.floor(256 * random());
    return tensor;
  };
  return { sizes, kind: "input", draw };
}

/** Any signed bytes. */
export function signedBytes(sizes: Sizes): Feed {
  const draw: Feed["draw"] = (random, dims) => {
    const tensor = allocate("int8", dims);
    for (const i of tensor.data.keys()) tensor.data[i] = Math.floor(256 * random()) - 128;
    return tensor;
  };
  return { sizes, kind: "input", draw };
}

/** These very numbers. */
export function fixed(dtype: "float32" | "int32" | "int64", sizes: Sizes, values: readonly number[]): Feed {
  const make = { float32, int32, int64 }[dtype];
  return { sizes, kind: "input", draw: (_, dims) => make(values, dims) };
}

/** A small graph around one operator. */
export interface Row {
  /** What is special about this row; also the seed of its numbers. */
  readonly about: string;
  readonly feeds: Readonly<Record<string, Feed>>;
  /** The values to check. */
  readonly results: (placeholders: Readonly<Record<string, Tensor>>) => readonly Tensor[];
  /** The feeds whose gradient is checked, as the sum over all results. */
  readonly differentiable: readonly string[];
  /** Dimensions that are symbolic in the graph; their sizes then come from the feeds alone. */
  readonly symbolic: readonly string[];
  /** Whether ONNX Runtime has a kernel for it on the CPU alone. */
  readonly onCpuAlone: boolean;
}

export interface RowOptions {
  /** The feeds whose gradient is checked; every feed of floats if absent. */
  readonly differentiable?: readonly string[];
  readonly symbolic?: readonly string[];
  readonly onCpuAlone?: boolean;
}

export function row<F extends Readonly<Record<string, Feed>>>(
  about: string,
  feeds: F,
  results: (placeholders: Readonly<Record<keyof F, Tensor>>) => Tensor | readonly Tensor[],
  options: RowOptions = {},
): Row {
  const asFloats = Object.keys(feeds).filter(
    (name) => drawFeed(about, name, feeds[name]).dtype === "float32",
  );
  return {
    about,
    feeds,
    results: (placeholders) => [results(placeholders as Readonly<Record<keyof F, Tensor>>)].flat(),
    differentiable: options.differentiable ?? asFloats,
    symbolic: options.symbolic ?? [],
    onCpuAlone: options.onCpuAlone ?? false,
  };
}

function drawFeed(about: string, name: string, { draw, sizes }: Feed): HostTensor {
  return draw(randomStream(`${about}: ${name}`), Object.values(sizes));
}

function makePlaceholder(name: string, { kind }: Feed, dtype: HostTensor["dtype"], shape: Shape): Tensor {
  return kind === "parameter"
    ? parameter(name, shape, { kind: "constant", value: 0 })
    : input(name, dtype, shape);
}

export interface Traced {
  readonly placeholders: Readonly<Record<string, Tensor>>;
  readonly values: Readonly<Record<string, HostTensor>>;
  readonly results: readonly Tensor[];
}

/** Builds a row's graph and draws its numbers, the same every time. */
export function trace({ about, feeds, results, symbolic }: Row): Traced {
  const placeholders: Record<string, Tensor> = {};
  const values: Record<string, HostTensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    values[name] = drawFeed(about, name, feed);
    const shape = Object.entries(feed.sizes).map(([axis, size]) =>
      dim(axis, symbolic.includes(axis) ? undefined : size),
    );
    placeholders[name] = makePlaceholder(name, feed, values[name].dtype, shape);
  }
  return { placeholders, values, results: results(placeholders) };
}
