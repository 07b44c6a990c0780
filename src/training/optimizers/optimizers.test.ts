import { afterEach, describe, expect, it, test } from "vitest";
import { startThreadPool, type ThreadPool } from "../../platform/index.ts";
import { allocateFlatBuffers, layOut, type TrainedTensor } from "../flat-buffer.ts";
import { kernels } from "../kernels.ts";
import { ownedChunks } from "../shards.ts";
import { createWeightUpdate } from "../weight-update.ts";
import { type OptimizerHyperparameters, type OptimizerName, optimizerOf, optimizers } from "./index.ts";

const tensors: readonly TrainedTensor[] = [
  { name: "matrix", dims: [3, 5], role: "weight", learningRateMultiplier: 1 },
  { name: "bias", dims: [7], role: "bias", learningRateMultiplier: 0.5 },
];
const sizes = [15, 7];
const weightAt = (tensor: number, k: number): number => Math.fround(Math.sin(5 * tensor + k));
/** Step 1 has a gradient of exactly 0 in its third place. */
const gradientAt = (step: number, tensor: number, k: number): number =>
  step === 1 && k === 2 ? 0 : Math.fround(Math.cos(11 * step + 3 * tensor + 2 * k));
const rates = [0, 1e-2, 5e-3, 2e-2];
const weightDecay = 0.1;

let threads: ThreadPool | undefined;
afterEach(() => threads?.dispose());

/** The weights after four updates of an optimizer, by its kernel. */
async function trained(
  optimizer: OptimizerName,
  hyperparameters: OptimizerHyperparameters,
  maxGradNorm?: number,
): Promise<number[][]> {
  const chosen = optimizerOf({ name: "test", optimizer, ...hyperparameters });
  const layout = layOut(tensors, 2 ** 20);
  const { buffers, memories } = allocateFlatBuffers(layout, 2 + chosen.optimizer.state.length);
  const [weights, gradients, ...optimizerState] = buffers;
  threads = startThreadPool(kernels, memories, 1);
  const memory = { threads, chunks: ownedChunks(layout, 1), weights, gradients, optimizerState };
  const updates = createWeightUpdate(memory, chosen, { weightDecay, maxGradNorm });
  const fill = (buffer: typeof weights, at: (tensor: number, k: number) => number): void => {
    for (const [i, { name }] of tensors.entries()) {
      const { data } = buffer.tensor(name);
      for (let k = 0; k < data.length; k++) data[k] = at(i, k);
    }
  };
  fill(weights, weightAt);
  for (const [i, rate] of rates.entries()) {
    fill(gradients, (tensor, k) => gradientAt(i + 1, tensor, k));
    await updates.update(i + 1, rate);
  }
  return tensors.map(({ name }) => [...weights.tensor(name).data]);
}

/** A step of a published algorithm for one weight in float64: the new weight; `state` is kept from step to step. */
type Formula = (w: number, g: number, lr: number, decay: number, state: Record<string, number>) => number;

/** The weights after the same updates by a formula. */
function computed(formula: Formula, scaleAt: (step: number) => number = () => 1): number[][] {
  return tensors.map(({ learningRateMultiplier, role }, tensor) =>
    Array.from({ length: sizes[tensor] }, (_, k) => {
      const state: Record<string, number> = {};
      return rates.reduce(
        (w, rate, i) => {
          const gradient = gradientAt(i + 1, tensor, k) * scaleAt(i + 1);
          const decay = role === "weight" ? weightDecay : 0;
          return formula(w, gradient, rate * learningRateMultiplier, decay, state);
        },
        weightAt(tensor, k),
      );
    }),
  );
}

function expectClose(found: number[][], expected: number[][]): void {
  for (const [t, values] of found.entries()) {
    expect(values).toHaveLength(expected[t].length);
    for (const [k, value] of values.entries()) expect(value).toBeCloseTo(expected[t][k], 6);
  }
}

/** torch.optim.SGD's documentation, without dampening and Nesterov. */
const sgd: Formula = (w, g, lr, decay, state) => {
  state.m = 0.9 * (state.m ?? 0) + g + decay * w;
  return w - lr * state.m;
};

/** Algorithm 2 of arXiv 2302.06675. */
const lion: Formula = (w, g, lr, decay, state) => {
  const m = state.m ?? 0;
  state.m = 0.99 * m + (1 - 0.99) * g;
  return w - lr * (Math.sign(0.9 * m + (1 - 0.9) * g) + decay * w);
};

/** The weights after the same updates by torch.optim.SGD and torch.optim.AdamW of PyTorch 2.13.0. */
const torch = {
  sgd: [
    [
      0.010833099, 0.82434237, 0.87547261, 0.15135396, -0.75518245, -0.95585293, -0.26502454, 0.64734799,
      0.97026849, 0.41848886, -0.53821307, -1.0006609, -0.52246034, 0.41948137, 0.96892995,
    ],
    [-0.96463335, -0.27569038, 0.66871756, 0.98346198, 0.41441727, -0.54003811, -1.005604],
  ],
  adamw: [
    [
      0.0087912492, 0.83078945, 0.88884783, 0.15027347, -0.76011735, -0.96007717, -0.26877096, 0.65096742,
      0.97893679, 0.41969514, -0.54325181, -1.0052433, -0.52691019, 0.42034903, 0.97751009,
    ],
    [-0.96360421, -0.27594808, 0.66498947, 0.98446906, 0.41457322, -0.5411163, -1.0047138],
  ],
};

describe("updates by kernels are those of the published algorithms", () => {
  it("SGD with momentum", async () => {
    const found = await trained("sgd", { momentum: 0.9 });
    expectClose(found, computed(sgd));
    expectClose(found, torch.sgd);
  });

  it("AdamW", async () => {
    expectClose(await trained("adamw", { betas: [0.9, 0.99], epsilon: 1e-8 }), torch.adamw);
  });

  it("Lion, whose step is 0 where its mean is", async () => {
    expectClose(await trained("lion", { betas: [0.9, 0.99] }), computed(lion));
  });

  it("and of clipped gradients alike", async () => {
    const normAt = (step: number): number =>
      Math.hypot(
        ...sizes.flatMap((size, t) => Array.from({ length: size }, (_, k) => gradientAt(step, t, k))),
      );
    const scaleAt = (step: number): number => Math.min(1, 0.5 / (normAt(step) + 1e-6));
    expectClose(await trained("sgd", { momentum: 0.9 }, 0.5), computed(sgd, scaleAt));
  });
});

test("a recipe's optimizer has its own hyperparameters and no others'", () => {
  const of = (values: object) => () => optimizerOf({ name: "mine", ...values });
  expect(of({ betas: [0.9, 0.99], epsilon: 1e-8 })().optimizer).toBe(optimizers.adamw);
  expect(of({ optimizer: "lion", betas: [0.9, 0.99], epsilon: undefined })().optimizer).toBe(optimizers.lion);
  expect(of({ optimizer: "sgd", momentum: 0.9, betas: [0.9, 0.99] })).toThrow(
    "recipe mine: betas: optimizer sgd takes weightDecay, momentum; betas is of adamw, lion",
  );
  expect(of({ optimizer: "sgd" })).toThrow("recipe mine: momentum of optimizer sgd: ");
  expect(of({ optimizer: "adam" })).toThrow(/optimizer must be one of adamw, sgd, lion, got adam/);
});
