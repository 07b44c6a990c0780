import {
  add,
  type GraphNode,
  nodesOf,
  sameShape,
  scalar,
  showShape,
  showTensor,
  type Tensor,
} from "../tensor/index.ts";
import { applyRule, unbroadcast } from "./rules.ts";

/** Nodes that depend on one of `wrt`: all others get no gradient, so that frozen parts cost nothing. */
function dependents(nodes: readonly GraphNode[], wrt: readonly Tensor[]): Set<GraphNode> {
  const reached = new Set(wrt.map((tensor) => tensor.node));
  for (const node of nodes) {
    if (node.inputs.some((operand) => reached.has(operand.node))) reached.add(node);
  }
  return reached;
}

/**
 * The gradients of a scalar loss as a graph of the same operators.
 *
 * @param loss a float32 scalar
 * @param wrt tensors the loss depends on, usually parameters; sizes must be known
 * @returns one tensor of the same shape for each of `wrt`
 * @throws TypeError if the loss is no scalar, or does not depend on one of `wrt`
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.dtype !== "float32" || loss.shape.length !== 0) {
    throw new TypeError(
      `gradients: the loss is a float32 scalar, got ${loss.dtype} ${showShape(loss.shape)}`,
    );
  }
  return pullback(loss, scalar(1), wrt);
}

/**
 * The vector-Jacobian product of a result: given the gradient of some loss with respect to the result, those with respect to
 * the tensors it depends on (reverse mode). One walk over the nodes from the result back, each passing its gradient to its
 * operands by its rule; the walk undoes broadcasting.
 *
 * @param result a float32 tensor
 * @param gradient of the result's shape
 * @returns one tensor of the same shape for each of `wrt`
 * @throws TypeError if the gradient has another shape, or the result does not depend on one of `wrt`
 */
export function pullback(result: Tensor, gradient: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (gradient.dtype !== result.dtype || !sameShape(gradient.shape, result.shape)) {
    throw new TypeError(
      `gradients: that of ${showTensor(result)} has its shape, got ${showShape(gradient.shape)}`,
    );
  }
  const nodes = nodesOf([result]);
  const wanted = dependents(nodes, wrt);
  const known = new Map<Tensor, Tensor>([[result, gradient]]);
  for (const node of nodes.reverse()) {
    const reached = node.outputs.map((output) => known.get(output));
    if (!wanted.has(node) || reached.every((part) => part === undefined)) continue;
    const needs = (index: number): boolean =>
      index < node.inputs.length && wanted.has(node.inputs[index].node);
    for (const [i, part] of applyRule(node, reached, needs).entries()) {
      if (part !== undefined && needs(i)) accumulate(known, node.inputs[i], part);
    }
  }
  return wrt.map((tensor) => {
    const found = known.get(tensor);
    if (found === undefined)
      throw new TypeError(`gradients: ${showTensor(result)} does not depend on ${showTensor(tensor)}`);
    return found;
  });
}

function accumulate(known: Map<Tensor, Tensor>, operand: Tensor, part: Tensor): void {
  const fitted = unbroadcast(part, operand);
  if (!sameShape(fitted.shape, operand.shape)) {
    throw new TypeError(`gradients: a rule gave ${showShape(part.shape)} for ${showTensor(operand)}`);
  }
  const earlier = known.get(operand);
  known.set(operand, earlier === undefined ? fitted : add(earlier, fitted));
}
