import { z } from "zod";
import { defineOptimizer } from "./optimizer.ts";

// At 1 a running mean never leaves 0, by which Adam would divide.
const decayRate = z.number().min(0).lt(1);

/** Decay rates of two running means. */
export const betas = z.tuple([decayRate, decayRate]).readonly();

// A learning rate of 0 (the first step of a warm-up) must change nothing, and divide by nothing.
const smallestRate = 1e-25;

/**
 * AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW computes it); m and v are running means of the gradient and of its
 * square: w ← w (1 − lr · decay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε).
 */
export const adamw = defineOptimizer({
  hyperparameters: { betas, epsilon: z.number().positive() },
  state: ["first", "second"],
  kernel: "adamw",
  update: ({ betas: [beta1, beta2], epsilon }, { step, learningRate, gradientScale, weightDecay }) => {
    const corrected = Math.max(smallestRate, learningRate / (1 - beta1 ** step));
    // The kernel subtracts m / (correction · √v + offset): lr / (1 − β₁ᵗ) is worked into both.
    const correction = 1 / (Math.sqrt(1 - beta2 ** step) * corrected);
    const offset = epsilon / corrected;
    const gradientFactor = (1 - beta1) * gradientScale;
    const squareFactor = (1 - beta2) * gradientScale * gradientScale;
    const keep = 1 - learningRate * weightDecay;
    return [beta1, gradientFactor, beta2, squareFactor, correction, offset, keep];
  },
});
