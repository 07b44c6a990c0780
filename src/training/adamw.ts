import type { Device } from "../runtime/index.ts";
import {
  add,
  allocate,
  type Dim,
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
import type { Arena, Layout, Stretch } from "./arena.ts";
import { type ChunkPrograms, compileForChunks } from "./chunks.ts";

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
  const update = await compileForChunks(device, (count) => updateGraph(settings, count));
  const squares = await compileForChunks(device, squaresGraph);
  const norm = bindNorm(squares, layout, arenas.gradients);
  const stretches = layout.stretches.map((stretch) => bindStretch(update, stretch, arenas));
  return {
    update: async (step, learningRate) => {
      const length = await norm();
      if (!Number.isFinite(length)) return length;
      const { clip = Number.POSITIVE_INFINITY } = settings;
      const scale = Math.min(1, clip / (length + 1e-6));
      for (const [i, run] of stretches.entries()) {
        await run(numbersOf(settings, layout.stretches[i], step, learningRate, scale));
      }
      return length;
    },
    dispose: () => {
      update.dispose();
      squares.dispose();
    },
  };
}

/** What one step multiplies with, in the order of the graph's inputs. */
interface StepNumbers {
  /** Factors of the gradient and of its square in the two running means. */
  readonly firstShare: number;
  readonly secondShare: number;
  /** The weight changes by m / (correction · √v + offset): lr / (1 − β₁ᵗ) is worked into both. */
  readonly correction: number;
  readonly offset: number;
  /** What decay leaves of a weight. */
  readonly keep: number;
}

// A learning rate of 0 (the first step of a warm-up) must change nothing, and divide by nothing.
const smallestRate = 1e-25;

function numbersOf(
  settings: AdamWSettings,
  stretch: Stretch,
  step: number,
  rate: number,
  scale: number,
): StepNumbers {
  const [first, second] = settings.betas;
  const own = rate * stretch.rateFactor;
  const corrected = Math.max(smallestRate, own / (1 - first ** step));
  return {
    firstShare: (1 - first) * scale,
    secondShare: (1 - second) * scale * scale,
    correction: 1 / (Math.sqrt(1 - second ** step) * corrected),
    offset: settings.epsilon / corrected,
    keep: stretch.decayed ? 1 - own * settings.weightDecay : 1,
  };
}

function updateGraph({ betas }: AdamWSettings, count: Dim): Graph {
  const arena = (name: string) => input(name, "float32", [count]);
  const number = (name: keyof StepNumbers) => input(name, "float32", []);
  const [weight, gradient, first, second] = ["weight", "gradient", "first", "second"].map(arena);
  const newFirst = add(mul(first, scalar(betas[0])), mul(gradient, number("firstShare")));
  const square = mul(mul(gradient, gradient), number("secondShare"));
  const newSecond = add(mul(second, scalar(betas[1])), square);
  const denominator = add(mul(sqrt(newSecond), number("correction")), number("offset"));
  const newWeight = sub(mul(weight, number("keep")), div(newFirst, denominator));
  return { name: "AdamW", outputs: { newFirst, newSecond, newWeight } };
}

/** Updates one stretch; its numbers are set, then its chunks run. */
function bindStretch(
  programs: ChunkPrograms,
  stretch: Stretch,
  arenas: Moments & { readonly weights: Arena; readonly gradients: Arena },
): (numbers: StepNumbers) => Promise<void> {
  const number = (): HostTensor<"float32"> => allocate("float32", []);
  const held: Record<keyof StepNumbers, HostTensor<"float32">> = {
    firstShare: number(),
    secondShare: number(),
    correction: number(),
    offset: number(),
    keep: number(),
  };
  const run = programs.bind(stretch.start, stretch.end, (start, end) => {
    const weight = arenas.weights.part(start, end);
    const first = arenas.first.part(start, end);
    const second = arenas.second.part(start, end);
    const gradient = arenas.gradients.part(start, end);
    return {
      feeds: { weight, gradient, first, second, ...held },
      into: { newWeight: weight, newFirst: first, newSecond: second },
    };
  });
  return (numbers) => {
    for (const [name, value] of Object.entries(numbers)) held[name as keyof StepNumbers].data[0] = value;
    return run();
  };
}

function squaresGraph(count: Dim): Graph {
  const gradient = input("gradient", "float32", [dim("one", 1), count]);
  return { name: "squares", outputs: { squares: matmul(gradient, gradient, { transposeB: true }) } };
}

/** The norm of all gradients; the chunks' sums are added up in double precision. */
function bindNorm(programs: ChunkPrograms, layout: Layout, gradients: Arena): () => Promise<number> {
  const sums: HostTensor<"float32">[] = [];
  const run = programs.bind(0, layout.length, (start, end) => {
    const squares = allocate("float32", [1, 1]);
    sums.push(squares);
    const gradient = { ...gradients.part(start, end), dims: [1, end - start] };
    return { feeds: { gradient }, into: { squares } };
  });
  return async () => {
    await run();
    return Math.sqrt(sums.reduce((sum, { data }) => sum + data[0], 0));
  };
}
