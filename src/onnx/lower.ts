import { type GraphNode, isKind, type OperatorKind } from "../tensor/index.ts";
import * as attention from "./lowerings/attention.ts";
import * as elementwise from "./lowerings/elementwise.ts";
import * as indexing from "./lowerings/indexing.ts";
import * as inputs from "./lowerings/inputs.ts";
import type { Lowering } from "./lowerings/lowering.ts";
import * as normalization from "./lowerings/normalization.ts";
import * as product from "./lowerings/product.ts";
import * as quantized from "./lowerings/quantized.ts";
import * as shaping from "./lowerings/shaping.ts";
import type { Writer } from "./writer.ts";

/** How each operator is written. Complete by type: an operator that no file lowers does not compile. */
const lowerings: { readonly [K in OperatorKind]: Lowering<K> } = {
  ...inputs,
  ...elementwise,
  ...shaping,
  ...product,
  ...quantized,
  ...normalization,
  ...attention,
  ...indexing,
};

/** Writes a node by the lowering of its kind. */
export function lower(node: GraphNode, writer: Writer): void {
  lowerTyped(node, node.kind, writer);
}

function lowerTyped<K extends OperatorKind>(node: GraphNode, kind: K, writer: Writer): void {
  if (isKind(node, kind)) lowerings[kind](node, writer);
}
