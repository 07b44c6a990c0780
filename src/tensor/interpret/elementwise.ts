import type { OperatorKind } from "../node.ts";
import { entry, type Float64Tensor, tabulate } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

/** The sizes two operands broadcast to. */
export function broadcastSizes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    return left === 1 ? right : left;
  });
}

/** The logistic function, 1 / (1 + e⁻ˣ). */
export const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));

/** The error function by its series in e^(−x²) (Abramowitz and Stegun 7.1.6), whose terms all have one sign. */
function erfOf(x: number): number {
  // Beyond this the distance from ±1 is less than float64 can say.
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const map = (x: Float64Tensor, f: (x: number) => number): Float64Tensor => ({
  dims: x.dims,
  data: x.data.map(f),
});

const eachOne =
  <K extends OperatorKind>(f: (x: number) => number): Reference<K> =>
  (_, [x]) => [map(x, f)];

const eachPair =
  <K extends OperatorKind>(f: (a: number, b: number) => number): Reference<K> =>
  (_, [a, b]) => [tabulate(broadcastSizes(a.dims, b.dims), (at) => f(entry(a, at), entry(b, at)))];

export const neg: Reference<"neg"> = eachOne((x) => -x);
export const exp: Reference<"exp"> = eachOne(Math.exp);
export const log: Reference<"log"> = eachOne(Math.log);
export const sqrt: Reference<"sqrt"> = eachOne(Math.sqrt);
export const reciprocal: Reference<"reciprocal"> = eachOne((x) => 1 / x);
export const tanh: Reference<"tanh"> = eachOne(Math.tanh);
export const sigmoid: Reference<"sigmoid"> = eachOne(sigmoidOf);
export const erf: Reference<"erf"> = eachOne(erfOf);
export const detach: Reference<"detach"> = eachOne((x) => x);
export const quickGelu: Reference<"quickGelu"> = (node, [x]) => [
  map(x, (value) => value * sigmoidOf(node.attributes.alpha * value)),
];
export const add: Reference<"add"> = eachPair((a, b) => a + b);
export const sub: Reference<"sub"> = eachPair((a, b) => a - b);
export const mul: Reference<"mul"> = eachPair((a, b) => a * b);
export const div: Reference<"div"> = eachPair((a, b) => a / b);
