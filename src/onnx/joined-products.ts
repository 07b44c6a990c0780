import type { KernelSupport } from "../platform/index.ts";
import { type Graph, type GraphNode, isKind, nodesOf, staticSizes, type Tensor } from "../tensor/index.ts";
import { attentionOverCache, takesJoined } from "./lowerings/attention.ts";
import { namesOf } from "./lowerings/lowering.ts";
import { blockProduct } from "./lowerings/quantized.ts";
import { type InlineParameter, integerConstant, type StoredParameter, type Writer } from "./writer.ts";

type Product = GraphNode<"quantizedLinear">;
type Attention = GraphNode<"cachedAttention">;
type Stored = ReadonlyMap<string, StoredParameter | InlineParameter>;

/** A parameter of a product, and where it lies. */
interface Part {
  readonly name: string;
  readonly dims: readonly number[];
  readonly place: StoredParameter;
}

/** A product, and the parts of its weight. */
interface StoredProduct {
  readonly product: Product;
  readonly parts: readonly Part[];
}

/** Products of the same tensor with weights that lie side by side in a file, in the order in which they lie. */
type Group = readonly StoredProduct[];

/** The nodes that read a tensor, once for each time, and undefined where it is a result of the graph. */
type Readers = ReadonlyMap<Tensor, readonly (GraphNode | undefined)[]>;

/** The products of a graph that are written as one, and attention that takes queries, keys and values side by side. */
export interface JoinedProducts {
  /** Names of the parameters that only they read. */
  readonly parameters: ReadonlySet<string>;
  /** Writes the group of a node, or nothing where that is done; false where a node is to be written as any other. */
  lower(node: GraphNode, writer: Writer): boolean;
}

/**
 * Finds products that can be computed as one, such as those of queries, keys and values: their weights lie side by side in a file, and so
 * are one weight with all of their rows. Threads are started once then, and activations rounded once.
 */
export function joinedProducts(graph: Graph, stored: Stored, kernels: KernelSupport): JoinedProducts {
  const readers = readersOf(graph);
  const groups = alike(storedProducts(readers, stored)).flatMap(runs);
  const open = new Set(groups);
  const groupOf = new Map<GraphNode, Group>(
    groups.flatMap((group) => group.map(({ product }) => [product, group] as const)),
  );
  const attentions = new Map<GraphNode, Group>();
  for (const group of groups) {
    const node = attentionOver(group, readers);
    if (node !== undefined && takesJoined(node, kernels)) attentions.set(node, group);
  }
  const unsplit = new Set(attentions.values());
  return {
    parameters: new Set(groups.flat().flatMap(({ parts }) => parts.map(({ name }) => name))),
    lower(node, writer) {
      const operands = attentions.get(node);
      if (operands !== undefined && isKind(node, "cachedAttention")) {
        const [, , , ...others] = namesOf(node.inputs, writer);
        attentionOverCache(node, [joinedName(operands, writer), "", "", ...others], writer);
        return true;
      }
      const group = groupOf.get(node);
      if (group === undefined) return false;
      if (open.delete(group)) {
        lowerProduct(group, writer);
        if (!unsplit.has(group)) splitResults(group, writer);
      }
      return true;
    },
  };
}

/** Kernels compute so many rows of a weight at once at most; fewer, at its end, by another routine, whose sums differ in the last bits. */
const ROWS_AT_ONCE = 16;

function readersOf({ outputs }: Graph): Readers {
  const results = Object.values(outputs);
  const readers = new Map<Tensor, (GraphNode | undefined)[]>(results.map((tensor) => [tensor, [undefined]]));
  for (const node of nodesOf(results)) {
    for (const tensor of node.inputs) readers.set(tensor, [...(readers.get(tensor) ?? []), node]);
  }
  return readers;
}

/** The products of quantised weights whose parts are all stored in files, and read by nothing else. */
function storedProducts(readers: Readers, stored: Stored): StoredProduct[] {
  const products = new Set([...readers.values()].flat().filter((node) => node !== undefined));
  return [...products].flatMap((product) => {
    if (!isKind(product, "quantizedLinear")) return [];
    const operands = product.inputs.slice(1);
    const parts = operands.flatMap((tensor) =>
      readers.get(tensor)?.length === 1 ? storedPart(tensor, stored) : [],
    );
    const isWhole = parts.length === operands.length && parts[0].dims[0] % ROWS_AT_ONCE === 0;
    return isWhole ? [{ product, parts }] : [];
  });
}

function storedPart({ node, shape }: Tensor, stored: Stored): Part[] {
  if (!isKind(node, "parameter")) return [];
  const { name } = node.attributes;
  const place = stored.get(name);
  return place === undefined || "data" in place ? [] : [{ name, dims: staticSizes(shape, name), place }];
}

/** Products of the same tensor with weights of the same format. */
function alike(products: readonly StoredProduct[]): StoredProduct[][] {
  const byKey = new Map<string, StoredProduct[]>();
  for (const one of products) {
    const { inputs, attributes } = one.product;
    const [{ node, index }, ...parts] = inputs;
    const { bits, blockSize, activations } = attributes;
    const key = [node.id, index, bits, blockSize, activations, ...parts.map(({ dtype }) => dtype)].join();
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  return [...byKey.values()];
}

/** Those among them of which each begins, with all of its parts, where the one before it ends. */
function runs(products: readonly StoredProduct[]): Group[] {
  const found: StoredProduct[][] = [];
  const place = ({ parts }: StoredProduct): StoredParameter => parts[0].place;
  const byPlace = products.toSorted(
    (a, b) => place(a).file.localeCompare(place(b).file) || place(a).offset - place(b).offset,
  );
  for (const one of byPlace) {
    const run = found.at(-1);
    if (run !== undefined && follows(run.at(-1)!, one)) run.push(one);
    else found.push([one]);
  }
  return found.filter(({ length }) => length > 1);
}

function follows(before: StoredProduct, after: StoredProduct): boolean {
  return after.parts.every(({ place }, i) => {
    const { file, type, offset, bytes } = before.parts[i].place;
    return place.file === file && place.type === type && place.offset === offset + bytes;
  });
}

/** The attention whose queries, keys and values, in this order, are the results of a group that nothing else reads. */
function attentionOver(group: Group, readers: Readers): Attention | undefined {
  const results = group.map(({ product }) => product.outputs[0]);
  const all = results.flatMap((tensor) => readers.get(tensor) ?? []);
  const [node] = all;
  if (group.length !== 3 || all.length !== 3 || node === undefined) return undefined;
  if (!isKind(node, "cachedAttention")) return undefined;
  return results.every((tensor, i) => node.inputs[i] === tensor) ? node : undefined;
}

const resultsOf = (group: Group, writer: Writer): string[] =>
  group.map(({ product }) => writer.nameOf(product.outputs[0]));

/** The name of a group's results side by side. */
const joinedName = (group: Group, writer: Writer): string => resultsOf(group, writer).join(" + ");

const rowsOf = (group: Group): number[] => group.map(({ parts }) => parts[0].dims[0]);

/** One product with all rows of the weights. */
function lowerProduct(group: Group, writer: Writer): void {
  const [{ product, parts }] = group;
  const rows = rowsOf(group).reduce((sum, count) => sum + count, 0);
  const operands = parts.map(({ dims, place }, i) => {
    const same = group.map((one) => one.parts[i]);
    const name = same.map((part) => part.name).join(" + ");
    const bytes = same.reduce((sum, part) => sum + part.place.bytes, 0);
    writer.storedConstant(name, [rows, ...dims.slice(1)], { ...place, bytes });
    return name;
  });
  const result = { name: joinedName(group, writer), rows };
  blockProduct(product, [writer.nameOf(product.inputs[0]), ...operands], result, writer);
}

/** The results of a group are columns of its one product. */
function splitResults(group: Group, writer: Writer): void {
  const sizes = integerConstant(writer, rowsOf(group));
  writer.emit("Split", [joinedName(group, writer), sizes], resultsOf(group, writer), { axis: -1 });
}
