import { add, type Graph, input, nodesOf, scalar, substituted, type Tensor } from "../tensor/index.ts";
import { pullback } from "./gradients.ts";

/**
 * One program of a computation that is cut into several. What it computes goes under a name that later steps read: `loss`,
 * `boundary N`, `gradient of boundary N`, and `gradient of NAME` for each parameter.
 */
export interface SegmentStep {
  /** Its outputs are the values it computes, by name. */
  readonly graph: Graph;
  /** The inputs of its graph that earlier steps have computed: the value's name by that of the input. */
  readonly reads: ReadonlyMap<string, string>;
}

/** The name under which the gradient of a parameter is computed. */
export const gradientName = (parameter: string): string => `gradient of ${parameter}`;

/** What one segment computes, from boundaries before it and placeholders. */
interface Segment {
  readonly result: Tensor;
  /** What else it gives, by name. */
  readonly details: Readonly<Record<string, Tensor>>;
  /** Boundaries that it reads, by number. */
  readonly reads: readonly number[];
  /** Parameters in it whose gradients are wanted. */
  readonly trained: ReadonlyMap<string, Tensor>;
}

/**
 * Cuts a loss and its gradients at boundaries into steps that run one after the other: each segment forward, the last one together
 * with its gradients, then the others backward, where a segment is computed anew from the boundaries before it (gradient
 * checkpointing, arXiv 1604.06174). Between the steps only boundaries and their gradients are kept. A segment that no wanted
 * gradient passes has no backward step. Without boundaries there is one step.
 *
 * @param loss a float32 scalar
 * @param boundaries tensors on the way to the loss; others are passed over
 * @param wrt parameters whose gradients are wanted, by name; none: the loss alone
 * @param details further results by name, on the way from the last boundary to the loss
 */
export function segmentSteps(
  loss: Tensor,
  boundaries: readonly Tensor[],
  wrt: ReadonlyMap<string, Tensor>,
  details: Readonly<Record<string, Tensor>> = {},
): SegmentStep[] {
  const used = new Set(nodesOf([loss]).flatMap(({ inputs }) => inputs));
  const cuts = [...new Set(boundaries)]
    .filter((tensor) => used.has(tensor) && tensor.node.inputs.length > 0)
    .sort((a, b) => a.node.id - b.node.id);
  const kept = cuts.map(({ dtype, shape }, i) => input(boundaryName(i), dtype, shape));
  const segments = [...cuts, loss].map((result) =>
    segmentOf({ result, details: result === loss ? details : {} }, cuts, kept, wrt),
  );
  // Whether a boundary depends on a parameter whose gradient is wanted.
  const needed: boolean[] = [];
  for (const { reads, trained } of segments) needed.push(trained.size > 0 || reads.some((i) => needed[i]));
  const forward = segments.slice(0, -1).map(({ result, reads }, i): SegmentStep => {
    return { graph: { name: `segment ${i}`, outputs: { [boundaryName(i)]: result } }, reads: named(reads) };
  });
  const written = new Set<string>();
  const backward = segments
    .map((segment, i) => ({ segment, i }))
    .reverse()
    .filter(({ i }) => i === cuts.length || needed[i])
    .map(({ segment, i }) => gradientStep(segment, i === cuts.length ? undefined : i, kept, needed, written));
  return [...forward, ...backward];
}

const boundaryName = (index: number): string => `boundary ${index}`;
const named = (indices: readonly number[]): Map<string, string> =>
  new Map(indices.map((i) => [boundaryName(i), boundaryName(i)]));

function segmentOf(
  { result, details }: Pick<Segment, "result" | "details">,
  cuts: readonly Tensor[],
  kept: readonly Tensor[],
  wrt: ReadonlyMap<string, Tensor>,
): Segment {
  const before = cuts.map((cut, i) => [cut, kept[i]] as const).filter(([cut]) => cut !== result);
  const names = Object.keys(details);
  const [own, ...others] = substituted([result, ...Object.values(details)], new Map(before));
  const placeholders = new Set(
    nodesOf([own, ...others]).flatMap(({ inputs, outputs }) => (inputs.length ? [] : outputs)),
  );
  return {
    result: own,
    details: Object.fromEntries(names.map((name, i) => [name, others[i]])),
    reads: kept.flatMap((tensor, i) => (placeholders.has(tensor) ? [i] : [])),
    trained: new Map([...wrt].filter(([, tensor]) => placeholders.has(tensor))),
  };
}

/**
 * The gradients of a segment's boundaries and parameters; the last one's (no `index`) begin at the loss. Where a later segment
 * has given a tensor a gradient already, this one's is added.
 */
function gradientStep(
  { result, details, reads, trained }: Segment,
  index: number | undefined,
  kept: readonly Tensor[],
  needed: readonly boolean[],
  written: Set<string>,
): SegmentStep {
  const from = named(reads);
  const read = (name: string, value: string, { dtype, shape }: Tensor): Tensor => {
    from.set(name, value);
    return input(name, dtype, shape);
  };
  const targets = new Map([
    ...reads.filter((i) => needed[i]).map((i) => [gradientName(boundaryName(i)), kept[i]] as const),
    ...[...trained].map(([name, tensor]) => [gradientName(name), tensor] as const),
  ]);
  const name = index === undefined ? "step" : `segment ${index} backward`;
  const outputs: Record<string, Tensor> = index === undefined ? { loss: result, ...details } : {};
  if (targets.size > 0) {
    const own = index === undefined ? undefined : gradientName(boundaryName(index));
    const seed = own === undefined ? scalar(1) : read(own, own, result);
    const parts = pullback(result, seed, [...targets.values()]);
    for (const [i, [value]] of [...targets].entries()) {
      const sum = written.has(value) ? add(read(`earlier ${value}`, value, parts[i]), parts[i]) : parts[i];
      written.add(value);
      outputs[value] = sum;
    }
  }
  return { graph: { name, outputs }, reads: from };
}
