import type { BatchSizes } from "../../data/index.ts";
import { alone } from "../communicator.ts";
import type { TrainingRecipe } from "../recipe.ts";
import { saveState } from "../state.ts";
import { sourceOf } from "../state-exchange.ts";
import type { Trainer } from "../trainer.ts";

/** Numbers in the one parameter: enough that writing them takes time. */
const size = 100_000;

/** A recipe for states that nobody goes on from. */
export const recipe: TrainingRecipe = {
  name: "kill",
  stage: "full",
  steps: 1,
  batch: 1,
  maxTokens: 1,
  learningRate: 1,
  schedule: "constant",
  warmup: 0,
  betas: [0.9, 0.99],
  epsilon: 1e-8,
  weightDecay: 0,
  seed: 1,
};

/** A trainer without a model: every number in it is the step's. `restored` hears what a state holds. */
export function hollowTrainer(
  step: number,
  restored: Trainer<BatchSizes>["restore"] = async () => undefined,
): Trainer<BatchSizes> {
  const tensor = { dtype: "float32", dims: [size], data: new Float32Array(size).fill(step) } as const;
  const never = (): never => {
    throw new Error("a hollow trainer does not learn");
  };
  const state = new Map([["first.weight", tensor]]);
  return {
    communicator: alone,
    step,
    isConsistent: true,
    values: new Map([["weight", tensor]]),
    narrow: new Map(),
    trained: ["weight"],
    update: never,
    evaluate: never,
    gradients: never,
    notesOf: never,
    ratiosOf: never,
    optimizerState: () => state,
    collectState: (use) => use(sourceOf(state)),
    restore: restored,
    dispose: () => undefined,
  };
}

// As a program: writes states of growing steps into a directory until it is killed.
const directory = process.argv[2];
if (process.argv[1]?.endsWith("save-forever.mjs") && directory !== undefined) {
  for (let step = 1; ; step++) {
    await saveState(directory, hollowTrainer(step), { step, position: step, tokens: 0 }, recipe);
    process.stdout.write(`${step}\n`);
  }
}
