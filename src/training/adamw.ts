import type { KernelCall, KernelThreads } from "../platform/index.ts";
import { chunksOf, type FlatBuffer, type Layout, type ParameterGroup } from "./flat-buffer.ts";

export interface AdamWSettings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients are scaled down so that their common norm does not exceed this; no limit if absent. */
  readonly maxGradNorm?: number | undefined;
}

/** The optimizer's memory: running means of the gradient and of its square. */
export interface Moments {
  readonly first: FlatBuffer;
  readonly second: FlatBuffer;
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
 * AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW computes it) over flat buffers, in place:
 * w ← w (1 − lr · decay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε), after m and v took the gradient up.
 * Clipping is a factor on the gradient, min(1, maxGradNorm / (norm + 10⁻⁶)).
 *
 * @param threads of the module in kernels.ts, over the memories in which the buffers lie
 */
export function createAdamW(
  threads: KernelThreads,
  layout: Layout,
  {
    weights,
    gradients,
    first,
    second,
  }: Moments & { readonly weights: FlatBuffer; readonly gradients: FlatBuffer },
  settings: AdamWSettings,
): AdamW {
  const groups = layout.groups.map((group) => ({ group, chunks: chunksOf(group, layout) }));
  const squares = groups.flatMap(({ chunks }) =>
    chunks.map(
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
      const { maxGradNorm = Number.POSITIVE_INFINITY } = settings;
      const scale = Math.min(1, maxGradNorm / (length + 1e-6));
      const calls = groups.flatMap(({ group, chunks }) => {
        const numbers = numbersOf(settings, group, step, learningRate, scale);
        return chunks.map(({ memory, start, bytes }): KernelCall => {
          const places = [weights, gradients, first, second].map((buffer) => buffer.addressOf(start));
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
  group: ParameterGroup,
  step: number,
  rate: number,
  scale: number,
): number[] {
  const [first, second] = betas;
  const own = rate * group.learningRateMultiplier;
  const corrected = Math.max(smallestRate, own / (1 - first ** step));
  const firstShare = (1 - first) * scale;
  const secondShare = (1 - second) * scale * scale;
  // The weight changes by m / (correction · √v + offset): lr / (1 − β₁ᵗ) is worked into both.
  const correction = 1 / (Math.sqrt(1 - second ** step) * corrected);
  const offset = epsilon / corrected;
  const keep = group.decayed ? 1 - own * weightDecay : 1;
  return [first, firstShare, second, secondShare, correction, offset, keep];
}
