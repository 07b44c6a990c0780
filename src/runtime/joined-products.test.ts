import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type StoredParameter, writeModel } from "../onnx/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import {
  cachedAttention,
  dim,
  float32,
  type Graph,
  type HostTensor,
  input,
  packedParameter,
  parameter,
  quantizedLinear,
  quantizedShapes,
  type Tensor,
} from "../tensor/index.ts";
import { openDevice, type StoredParameters } from "./index.ts";

const device = await openDevice({ threads: 2 });
const directory = mkdtempSync(join(tmpdir(), "owl-joined-"));
afterAll(() => rmSync(directory, { recursive: true }));

const initial = { kind: "constant", value: 0 } as const;
const names = ["query", "key", "value"] as const;
const kinds = ["scales", "bias", "packed", "zeros"] as const;
type Name = (typeof names)[number];

/** A row's numbers are two blocks, the last of them not full. */
const width = 40;
const format = { bits: 4, blockSize: 32, activations: "int8" } as const;

interface Products {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, HostTensor>;
}

/** Products of one tensor with weights of so many rows, and random values of their parts. */
function productsWith(rows: Readonly<Record<Name, number>>, [batch, tokens] = [1, 3]): Products {
  const random = mulberry32(1);
  const values = new Map<string, HostTensor>();
  const x = input("x", "float32", [dim("batch", batch), dim("tokens", tokens), dim("width", width)]);
  const product = (name: Name): Tensor => {
    const out = dim(name, rows[name]);
    const shapes = quantizedShapes([out, dim("width", width)], format.bits, format.blockSize);
    const parts = {
      packed: packedParameter(`${name}.packed`, shapes.packed, "uint8"),
      zeros: packedParameter(`${name}.zeros`, shapes.zeroPoints, "uint8"),
      scales: parameter(`${name}.scales`, shapes.scales, initial),
      bias: parameter(`${name}.bias`, [out], initial),
    };
    for (const [kind, { shape, dtype }] of Object.entries(parts)) {
      const dims = shape.map(({ size }) => size!);
      const numbers = Array.from({ length: dims.reduce((count, size) => count * size, 1) }, random);
      const data = Uint8Array.from(numbers, (value) => 256 * value);
      values.set(`${name}.${kind}`, dtype === "uint8" ? { dtype, dims, data } : float32(numbers, dims));
    }
    const { packed, zeros: zeroPoints, scales, bias } = parts;
    return quantizedLinear(x, { packed, zeroPoints, scales, ...format }, bias);
  };
  const outputs = Object.fromEntries(names.map((name) => [name, product(name)]));
  return { graph: { name: "products", outputs }, values };
}

/** Writes parts in this order into a file; returns where they lie. */
function stored({ values }: Products, file: string, order: readonly string[]): StoredParameters {
  const places = new Map<string, StoredParameter>();
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const name of order) {
    const { dtype, data } = values.get(name)!;
    const piece = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    places.set(name, { file, offset, bytes: piece.length, type: dtype === "uint8" ? "U8" : "F32" });
    pieces.push(piece);
    offset += piece.length;
  }
  writeFileSync(join(directory, file), Buffer.concat(pieces));
  return { directory, places };
}

/** Parts of one kind after the other, or weight after weight. */
const kindByKind = (order: readonly Name[]): string[] =>
  kinds.flatMap((kind) => order.map((name) => `${name}.${kind}`));
const weightByWeight = (order: readonly Name[]): string[] =>
  order.flatMap((name) => kinds.map((kind) => `${name}.${kind}`));

/** How many operators of a type the model has. */
function countOf(type: string, { graph }: Products, { places }: StoredParameters, joinsProducts = true) {
  const text = Buffer.from(writeModel(graph, { stored: places, joinsProducts })).toString("latin1");
  return new Set(text.match(new RegExp(`\\b${type}_\\d+`, "g"))).size;
}

/** How many products the model has. */
const count = (made: Products, where: StoredParameters, joinsProducts = true): number =>
  countOf("MatMulNBits", made, where, joinsProducts);

async function results(
  { graph }: Products,
  where: StoredParameters,
  others: Readonly<Record<string, HostTensor>> = {},
): Promise<unknown> {
  const program = await device.compile(graph, { stored: where });
  const [batch, tokens] = Object.values(graph.outputs)[0].shape.map(({ size }) => size!);
  const numbers = Array.from({ length: batch * tokens * width }, (_, i) => Math.sin(i));
  const made = await program.run({ x: float32(numbers, [batch, tokens, width]), ...others });
  program.dispose();
  return Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, [...data].map(Number)]));
}

const products = productsWith({ query: 64, key: 32, value: 48 });
const apart = stored(products, "apart", weightByWeight(names));

test("products of one tensor are computed as one where their weights lie side by side, in any order, to the last bit", async () => {
  expect(count(products, apart)).toBe(3);
  const expected = await results(products, apart);
  for (const order of [names, ["value", "query", "key"] as const]) {
    const together = stored(products, order.join("-"), kindByKind(order));
    expect(count(products, together)).toBe(1);
    expect(await results(products, together)).toEqual(expected);
  }
});

test("a part of a weight that is a result of its own stays one", async () => {
  const { key } = products.graph.outputs;
  const [, , scales] = key.node.inputs;
  const outputs = { ...products.graph.outputs, scales };
  const more = { ...products, graph: { name: "with scales", outputs } };
  const together = stored(more, "results", kindByKind(names));
  expect(count(more, together)).toBe(3);
  expect(await results(more, together)).toMatchObject({
    scales: [...products.values.get("key.scales")!.data],
  });
});

test("only those that lie side by side are", async () => {
  const two = stored(products, "two", [...kindByKind(["key", "query"]), ...weightByWeight(["value"])]);
  expect(count(products, two)).toBe(2);
  expect(await results(products, two)).toEqual(await results(products, apart));
});

test("weights whose rows are no whole blocks of the kernel's stay apart, and all where it is not asked for", () => {
  const odd = productsWith({ query: 64, key: 32, value: 40 });
  expect(count(odd, stored(odd, "odd", kindByKind(names)))).toBe(2);
  expect(count(products, stored(products, "whole", kindByKind(names)), false)).toBe(3);
});

const kindsOfAttention = ["rotary", "slopes", "none", "int8"] as const;

/** Attention of tokens, the last of each row at such a position, whose queries, keys and values are products. */
function attentionOf(
  made: Products,
  heads: number,
  kind: (typeof kindsOfAttention)[number],
  last: readonly number[] = [4],
) {
  const { query, key, value } = made.graph.outputs;
  const batch = last.length;
  const [queryRows, rows] = [query, key].map(({ shape }) => shape[2].size!);
  const headDim = queryRows / heads;
  const keyValueHeads = rows / headDim;
  const feeds: Record<string, HostTensor> = {};
  const given = (name: string, dims: readonly number[]): Tensor => {
    const length = dims.reduce((count, size) => count * size, 1);
    feeds[name] = float32(
      Array.from({ length }, (_, i) => Math.cos(i)),
      [...dims],
    );
    const shape = dims.map((size, i) => dim(`${name}.${i}`, size));
    return input(name, "float32", shape);
  };
  const whole = (name: string, all: readonly number[]): Tensor => {
    feeds[name] = { dtype: "int32", dims: [all.length], data: Int32Array.from(all) };
    return input(name, "int32", [dim(name, all.length)]);
  };
  const bytes = (name: string, dims: readonly number[]): Tensor => {
    const { shape } = given(name, dims);
    const data = Int8Array.from(feeds[name].data as Float32Array, (x) => 100 * x);
    feeds[name] = { dtype: "int8", dims, data };
    return input(name, "int8", shape);
  };
  const cache = kind === "int8" ? bytes : given;
  const cacheDims = [batch, keyValueHeads, 8, headDim];
  const scale = (name: string): Tensor => given(name, [keyValueHeads, 1, headDim]);
  const positions =
    kind === "rotary"
      ? { cos: given("cos", [8, headDim / 2]), sin: given("sin", [8, headDim / 2]) }
      : kind === "slopes"
        ? { slopes: given("slopes", [heads]) }
        : {};
  const operands = {
    query,
    key,
    value,
    pastKey: cache("past_key", cacheDims),
    pastValue: cache("past_value", cacheDims),
    lastPosition: whole("last", last),
    totalLength: whole("total", [Math.max(...last) + 1]),
    ...(kind === "int8" && { scales: { keyScale: scale("key_scale"), valueScale: scale("value_scale") } }),
    ...positions,
  };
  const [context, presentKey, presentValue] = cachedAttention(operands, { heads, keyValueHeads, scale: 0.2 });
  const outputs = { context, presentKey, presentValue };
  return { attention: { ...made, graph: { name: "attention", outputs } }, feeds };
}

/** Rows by their last positions, and their new tokens: prefills behind others and first ones, steps of one and of two rows. */
const shapes = [
  { tokens: 3, last: [4] },
  { tokens: 3, last: [2] },
  { tokens: 1, last: [6] },
  { tokens: 1, last: [6, 3] },
  { tokens: 1, last: [5, 5] },
  { tokens: 3, last: [2, 2] },
];
const cases = kindsOfAttention.flatMap((kind) => shapes.map((shape) => ({ kind, ...shape })));

test.each(
  cases,
)("attention takes queries, keys and values that lie side by side as they are, to the last bit: %j", async ({
  kind,
  tokens,
  last,
}) => {
  const alike = productsWith({ query: 64, key: 32, value: 32 }, [last.length, tokens]);
  const { attention, feeds } = attentionOf(alike, 4, kind, last);
  const name = `${kind}-${tokens}-${last.join("-")}`;
  const expected = await results(attention, stored(alike, `apart-${name}`, weightByWeight(names)), feeds);
  const together = stored(alike, `together-${name}`, kindByKind(names));
  expect([count(attention, together), countOf("Split", attention, together)]).toEqual([1, 0]);
  expect(await results(attention, together, feeds)).toEqual(expected);
});

test("attention takes them apart where they lie in another order, are read by others, or are turned before", async () => {
  const alike = productsWith({ query: 64, key: 32, value: 32 });
  const { attention, feeds } = attentionOf(alike, 4, "rotary");
  const order = kindByKind(["key", "query", "value"]);
  const { value } = alike.graph.outputs;
  const outputs = { ...attention.graph.outputs, value };
  const narrow = attentionOf(alike, 8, "rotary");
  const parted = [
    { made: attention, fed: feeds, order },
    { made: { ...alike, graph: { name: "value", outputs } }, fed: feeds, order: kindByKind(names) },
    { made: narrow.attention, fed: narrow.feeds, order: kindByKind(names) },
  ];
  for (const [i, { made, fed, order }] of parted.entries()) {
    const together = stored(alike, `parted-${i}`, order);
    expect([count(made, together), countOf("Split", made, together)]).toEqual([1, 1]);
    const expected = await results(made, stored(alike, `parted-apart-${i}`, weightByWeight(names)), fed);
    expect(await results(made, together, fed)).toEqual(expected);
  }
});
