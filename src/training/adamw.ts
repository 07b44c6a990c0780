import type { BoundRun, Device, Program } from "../runtime/index.ts";
import {
  add,
  allocate,
  dim,
  div,
  type Graph,
  type HostTensor,
  input,
  matmul,
  mul,
  scalar,
  sqrt,
  sub,
} from "../tensor/index.ts";
import { type Arena, chunksOf, type Layout, type Stretch } from "./arena.ts";
import { type RunAll, runnerOf } from "./chunk-runs.ts";

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

export interface AdamW {
  /**
   * One update of all weights in place; the step is counted from 1, as the bias correction needs it.
   * @returns the gradients' common norm before clipping; where it is not finite nothing was changed
   */
  update(step: number, learningRate: number): Promise<number>;
  dispose(): void;
}

/**
 * AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW computes it) over flat arenas, in place:
 * w ← w (1 − lr · decay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε), after m and v took the gradient up.
 * Clipping is a factor on the gradient, min(1, clip / (norm + 10⁻⁶)).
 */
export async function createAdamW(
  device: Device,
  layout: Layout,
  arenas: Moments & { readonly weights: Arena; readonly gradients: Arena },
  settings: AdamWSettings,
): Promise<AdamW> {
  const [updateProgram, normProgram] = await Promise.all([
    device.compile(updateGraph(settings)),
    device.compile(normGraph()),
  ]);
  const runAll = runnerOf(device);
  const norm = bindNorm(normProgram, layout, arenas.gradients, runAll);
  const stretches = layout.stretches.map((stretch) => bindStretch(updateProgram, stretch, arenas, runAll));
  return {
    update: async (step, learningRate) => {
      const length = await norm();
      if (!Number.isFinite(length)) return length;
      const { clip = Number.POSITIVE_INFINITY } = settings;
      const scale = Math.min(1, clip / (length + 1e-6));
      const numbers = numbersOf(settings, step, learningRate, scale);
      for (const stretch of stretches) await stretch(numbers);
      return length;
    },
    dispose: () => {
      updateProgram.dispose();
      normProgram.dispose();
    },
  };
}

interface StepNumbers {
  /** Factors of the gradient and of its square in the two running means. */
  readonly firstShare: number;
  readonly secondShare: number;
  /** 1 / √(1 − β₂ᵗ) */
  readonly correction: number;
  /** lr / (1 − β₁ᵗ), before the stretch's factor. */
  readonly rate: number;
  /** lr · decay, before the stretch's factor. */
  readonly decay: number;
}

function numbersOf(settings: AdamWSettings, step: number, learningRate: number, scale: number): StepNumbers {
  const [first, second] = settings.betas;
  return {
    firstShare: (1 - first) * scale,
    secondShare: (1 - second) * scale * scale,
    correction: 1 / Math.sqrt(1 - second ** step),
    rate: learningRate / (1 - first ** step),
    decay: learningRate * settings.weightDecay,
  };
}

const vector = [dim("count")];

function updateGraph({ betas, epsilon }: AdamWSettings): Graph {
  const arena = (name: string) => input(name, "float32", vector);
  const number = (name: string) => input(name, "float32", []);
  const [weight, gradient, first, second] = ["weight", "gradient", "first", "second"].map(arena);
  const newFirst = add(mul(first, scalar(betas[0])), mul(gradient, number("firstShare")));
  const square = mul(mul(gradient, gradient), number("secondShare"));
  const newSecond = add(mul(second, scalar(betas[1])), square);
  const denominator = add(mul(sqrt(newSecond), number("correction")), scalar(epsilon));
  const change = mul(div(newFirst, denominator), number("rate"));
  return {
    name: "AdamW",
    outputs: {
      newFirst,
      newSecond,
      newWeight: sub(mul(weight, number("keep")), change),
    },
  };
}

/** Updates one stretch; its numbers are set, then its chunks run. */
function bindStretch(
  program: Program,
  stretch: Stretch,
  arenas: Moments & { readonly weights: Arena; readonly gradients: Arena },
  runAll: RunAll,
): (numbers: StepNumbers) => Promise<void> {
  const number = (): HostTensor<"float32"> => allocate("float32", []);
  const numbers = {
    firstShare: number(),
    secondShare: number(),
    correction: number(),
    rate: number(),
    keep: number(),
  };
  const runs = chunksOf(stretch.start, stretch.end).map(([start, end]): BoundRun => {
    const weight = arenas.weights.part(start, end);
    const first = arenas.first.part(start, end);
    const second = arenas.second.part(start, end);
    const gradient = arenas.gradients.part(start, end);
    return program.bind(
      { weight, gradient, first, second, ...numbers },
      { newWeight: weight, newFirst: first, newSecond: second },
    );
  });
  return ({ firstShare, secondShare, correction, rate, decay }) => {
    numbers.firstShare.data[0] = firstShare;
    numbers.secondShare.data[0] = secondShare;
    numbers.correction.data[0] = correction;
    numbers.rate.data[0] = rate * stretch.rateFactor;
    numbers.keep.data[0] = stretch.decayed ? 1 - decay * stretch.rateFactor : 1;
    return runAll(runs);
  };
}

function normGraph(): Graph {
  const gradient = input("gradient", "float32", [dim("one", 1), ...vector]);
  return { name: "squares", outputs: { squares: matmul(gradient, gradient, { transposeB: true }) } };
}

/** The norm of all gradients; the chunks' sums are added up in double precision. */
function bindNorm(program: Program, layout: Layout, gradients: Arena, runAll: RunAll): () => Promise<number> {
  const parts = chunksOf(0, layout.length).map(([start, end]) => {
    const part = gradients.part(start, end);
    const squares = allocate("float32", [1, 1]);
    const run = program.bind({ gradient: { ...part, dims: [1, end - start] } }, { squares });
    return { run, squares };
  });
  const runs = parts.map(({ run }) => run);
  return async () => {
    await runAll(runs);
    return Math.sqrt(parts.reduce((sum, { squares }) => sum + squares.data[0], 0));
  };
}
