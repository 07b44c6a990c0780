import { betas } from "./adamw.ts";
import { defineOptimizer } from "./optimizer.ts";

/**
 * Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2): every weight moves by the learning rate, up or down:
 * w ← w (1 − lr · decay) − lr · sign(β₁ m + (1 − β₁) g), then m ← β₂ m + (1 − β₂) g.
 */
export const lion = defineOptimizer({
  hyperparameters: { betas },
  state: ["momentum"],
  kernel: "lion",
  update: ({ betas: [beta1, beta2] }, { learningRate, gradientScale, weightDecay }) => [
    beta1,
    (1 - beta1) * gradientScale,
    beta2,
    (1 - beta2) * gradientScale,
    learningRate,
    1 - learningRate * weightDecay,
  ],
});
