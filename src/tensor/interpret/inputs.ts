import { toFloat64 } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

export const input: Reference<"input"> = (node, _, feed) => [feed(node.attributes.name)];
export const parameter: Reference<"parameter"> = (node, _, feed) => [feed(node.attributes.name)];
export const constant: Reference<"constant"> = (node) => [toFloat64(node.attributes.value)];
