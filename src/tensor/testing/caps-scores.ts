import { type Graph, isKind, nodesOf } from "../index.ts";

/** Whether a graph caps attention scores, which not every device's kernels do. */
export function capsScores({ outputs }: Graph): boolean {
  return nodesOf(Object.values(outputs)).some(
    (node) => isKind(node, "cachedAttention") && node.attributes.cap !== undefined,
  );
}
