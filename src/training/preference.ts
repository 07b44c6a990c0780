import type { BatchSizes } from "../data/index.ts";
import type { OwlConfig } from "../model/index.ts";
import {
  concat,
  constant,
  crossEntropy,
  dim,
  float32,
  input,
  int64,
  matmul,
  mul,
  neg,
  reshape,
  scalar,
  sub,
  type Tensor,
  total,
} from "../tensor/index.ts";
import { type Objective, tracedModel } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { TrainingBatch } from "./step-programs.ts";

/**
 * Direct preference optimisation (arXiv 2305.18290): of each pair of answers to one conversation −log σ(β (r − r₀)), where r is the
 * log-probability of the better answer less that of the other one, and r₀ the same of the model that the run began with. Rows of a
 * batch are pairs: better, other, better, other, … Inputs beside those of `languageObjective`: `pair_signs` float32 [pairs, losses], 1
 * at positions of the pair's better answer, −1 at those of the other, and `reference` float32 [pairs], r₀; `loss_weights` is
 * [pairs].
 *
 * @throws RangeError where the recipe has no `dpo`, and as {@link languageObjective}
 */
export function preferenceObjective(config: OwlConfig, recipe: TrainingRecipe): Objective<BatchSizes> {
  const { beta } = requireDpo(recipe);
  const { parameters, trace } = tracedModel(config, recipe);
  return {
    parameters,
    batchSize: ({ rows }) => rows,
    trace: (sizes, purpose, onBoundary, onRatios) => {
      const { logits } = trace(sizes, purpose, onBoundary);
      const ratios = logRatios(logits, sizes.rows / 2);
      onRatios?.(ratios);
      return preferenceLoss(ratios, beta);
    },
  };
}

export function requireDpo({ name, dpo }: TrainingRecipe): NonNullable<TrainingRecipe["dpo"]> {
  if (dpo === undefined) throw new RangeError(`recipe ${name}: must have dpo: { beta }, got none`);
  if (dpo.beta > 0) return dpo;
  throw new RangeError(`recipe ${name}: dpo.beta must be greater than 0, got ${dpo.beta}`);
}

/** Each pair's r, of logits [losses, vocabulary]. */
function logRatios(logits: Tensor, pairs: number): Tensor {
  const [losses] = logits.shape;
  const count = dim("pairs", pairs);
  const costs = crossEntropy(logits, input("labels", "int64", [losses]));
  const signs = input("pair_signs", "float32", [count, losses]);
  return reshape(neg(matmul(signs, reshape(costs, [losses, dim("one", 1)]))), [count]);
}

/** Σ weight · −log σ(β (ratio − reference)) over pairs. */
export function preferenceLoss(ratios: Tensor, beta: number): Tensor {
  const [count] = ratios.shape;
  const pairs = count.size!;
  const one = dim("one", 1);
  const margins = mul(sub(ratios, input("reference", "float32", [count])), scalar(beta));
  // −log σ(x) is the cross entropy of the first of two classes with the logits x and 0, which no large x overflows.
  const zeros = constant(float32(new Float32Array(pairs), [pairs, 1]), [count.name, one.name]);
  const classes = concat([reshape(margins, [count, one]), zeros], 1, "classes");
  const better = constant(int64(new Array<number>(pairs).fill(0), [pairs]), [count.name]);
  return total(mul(crossEntropy(classes, better), input("loss_weights", "float32", [count])));
}

/** How far the model is from the one that it began with, by a batch's pairs. */
export interface RewardSums {
  /** Σ β (r − r₀), over pairs. */
  readonly margin: number;
  /** Pairs whose better answer has become likelier, relative to the other, than at the beginning. */
  readonly wins: number;
}

/** What the log says of a batch's pairs. */
export function rewardSums<S>(
  { feeds, labelCount }: TrainingBatch<S>,
  ratios: Float32Array,
  beta: number,
): RewardSums {
  const reference = feeds.reference.data as Float32Array;
  const margins = Array.from(ratios.subarray(0, labelCount), (ratio, i) => beta * (ratio - reference[i]));
  return {
    margin: margins.reduce((sum, margin) => sum + margin, 0),
    wins: margins.filter((margin) => margin > 0).length,
  };
}
