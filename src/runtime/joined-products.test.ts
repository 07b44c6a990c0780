import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type StoredParameter, writeModel } from "../onnx/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import {
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
function productsWith(rows: Readonly<Record<Name, number>>): Products {
  const random = mulberry32(1);
  const values = new Map<string, HostTensor>();
  const x = input("x", "float32", [dim("tokens", 3), dim("width", width)]);
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

/** How many products the model has. */
function count({ graph }: Products, { places }: StoredParameters, joinsProducts = true): number {
  const text = Buffer.from(writeModel(graph, { stored: places, joinsProducts })).toString("latin1");
  return new Set(text.match(/MatMulNBits_\d+/g)).size;
}

async function results({ graph }: Products, where: StoredParameters): Promise<unknown> {
  const program = await device.compile(graph, { stored: where });
  const numbers = Array.from({ length: 3 * width }, (_, i) => Math.sin(i));
  const made = await program.run({ x: float32(numbers, [3, width]) });
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
