import type { KernelCall, KernelThreads } from "../platform/index.ts";
import { type Arena, type Layout, partsOf, type Stretch } from "./arena.ts";

export interface AdamWSettings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients are scaled down so that their common norm does not exceed this; no limit if absent. */
  readonly clip?: number | undefined;
}

/** The optimizer's memory: running means of the gradient and of its square. */
export interface Moments {
  readonly first: Arena;
  readonly second: Arena;
}

/** The optimizer's part of an update. */
export interface AdamW {
  /**
   * One update of all weights in place; the step is counted from 1, as the bias correction needs it.
   * @returns the gradients' common norm before clipping; where it is not finite nothing was changed
   */
  update(step: number, learningRate: number): Promise<number>;
}

/**
 * AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW computes it) over flat arenas, in place:
 * w ← w (1 − lr · decay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε), after m and v took the gradient up.
 * Clipping is a factor on the gradient, min(1, clip / (norm + 10⁻⁶)).
 *
 * @param threads of the module in kernels.ts, over the memories in which the arenas lie
 */
export function createAdamW(
  threads: KernelThreads,
  layout: Layout,
  { weights, gradients, first, second }: Moments & { readonly weights: Arena; readonly gradients: Arena },
  settings: AdamWSettings,
): AdamW {
  const stretches = layout.stretches.map((stretch) => ({ stretch, parts: partsOf(stretch, layout) }));
  const squares = stretches.flatMap(({ parts }) =>
    parts.map(
      ({ memory, start, bytes }): KernelCall => ({
        memory,
        kernel: "squares",
        numbers: [gradients.addressOf(start), bytes],
      }),
    ),
  );
  const norm = async (): Promise<number> =>
    Math.sqrt((await threads.run(squares)).reduce((sum, part) => sum + part, 0));
  return {
    update: async (step, learningRate) => {
      const length = await norm();
      if (!Number.isFinite(length)) return length;
      const { clip = Number.POSITIVE_INFINITY } = settings;
      const scale = Math.min(1, clip / (length + 1e-6));
      const calls = stretches.flatMap(({ stretch, parts }) => {
        const numbers = numbersOf(settings, stretch, step, learningRate, scale);
        return parts.map(({ memory, start, bytes }): KernelCall => {
          const places = [weights, gradients, first, second].map((arena) => arena.addressOf(start));
          return { memory, kernel: "adamw", numbers: [...places, bytes, ...numbers] };
        });
      });
      await threads.run(calls);
      return length;
    },
  };
}

// A learning rate of 0 (the first step of a warm-up) must change nothing, and divide by nothing.
const smallestRate = 1e-25;

/** What one step multiplies with, as the kernel takes it. */
function numbersOf(
  { betas, epsilon, weightDecay }: AdamWSettings,
  stretch: Stretch,
  step: number,
  rate: number,
  scale: number,
): number[] {
  const [first, second] = betas;
  const own = rate * stretch.rateFactor;
  const corrected = Math.max(smallestRate, own / (1 - first ** step));
  const firstShare = (1 - first) * scale;
  const secondShare = (1 - second) * scale * scale;
  // The weight changes by m / (correction · √v + offset): lr / (1 − β₁ᵗ) is worked into both.
  const correction = 1 / (Math.sqrt(1 - second ** step) * corrected);
  const offset = epsilon / corrected;
  const keep = stretch.decayed ? 1 - own * weightDecay : 1;
  return [first, firstShare, second, secondShare, correction, offset, keep];
}
