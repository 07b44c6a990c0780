import { z } from "zod";
import { defineOptimizer } from "./optimizer.ts";

/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD computes it without dampening; the decay is added to the
 * gradient: m ← momentum · m + g + decay · w, then w ← w − lr · m.
 */
export const sgd = defineOptimizer({
  hyperparameters: { momentum: z.number().min(0).lt(1) },
  state: ["momentum"],
  kernel: "sgd",
  update: ({ momentum }, { learningRate, gradientScale, weightDecay }) => [
    momentum,
    gradientScale,
    weightDecay,
    learningRate,
  ],
});
