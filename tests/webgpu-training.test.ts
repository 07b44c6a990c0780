import { beforeAll, describe, expect, it } from "vitest";
import { gradients } from "../src/autodiff/index.ts";
import { describeParameters, releasedLora, traceLoss } from "../src/model/index.ts";
import { microConfig, randomNumbers, randomParameters } from "../src/model/testing/micro.ts";
import { type Device, openDevice } from "../src/runtime/index.ts";
import {
  elementCount,
  float32,
  type Graph,
  type HostTensor,
  int64,
  placeholdersOf,
  rootScope,
  staticSizes,
  type Tensor,
} from "../src/tensor/index.ts";
import { skipWebGpu, useSwiftShader } from "./setup/swiftshader.ts";

/** Largest difference allowed, relative to the gradient's largest entry; float32 sums in another order differ. */
const TOLERANCE = 1e-4;

const sizes = { batch: 2, tokens: 12, images: 2 };
const perImage = microConfig.numQueryTokens + 1;

/** The loss and the gradient of every parameter, LoRA included. */
function trainingGraph(): Graph {
  const scope = rootScope({ lora: { ...releasedLora(microConfig.language), rank: 2, alpha: 8 } });
  const { loss } = traceLoss(microConfig, sizes, scope);
  const parameters = [...scope.parameters()];
  const parts = gradients(
    loss,
    parameters.map(([, tensor]) => tensor),
  );
  const named = parameters.map(([name], i) => [`grad.${name}`, parts[i]] as const);
  return { name: "training step", outputs: { loss, ...Object.fromEntries(named) } };
}

function feedOf(name: string, tensor: Tensor): HostTensor {
  const dims = staticSizes(tensor.shape, name);
  const count = elementCount(dims);
  if (name === "visual_positions") {
    const rows = Array.from({ length: count / 2 }, (_, i) => [Math.floor(i / perImage), 1 + (i % perImage)]);
    return int64(rows.flat(), dims);
  }
  if (tensor.dtype === "int64") {
    return int64(
      Array.from({ length: count }, (_, i) => (5 * i + 3) % microConfig.language.vocabulary),
      dims,
    );
  }
  if (name === "loss_weights") return float32(new Array(count).fill(1 / count), dims);
  return float32(randomNumbers(count, 1, 11), dims);
}

describe.skipIf(skipWebGpu)("training on the WebGPU device (SwiftShader)", () => {
  let gpu: Device;
  let cpu: Device;

  beforeAll(async () => {
    useSwiftShader();
    gpu = await openDevice({ device: "webgpu", threads: 1 });
    cpu = await openDevice({ threads: 1 });
  });

  it(`gives the CPU's loss and gradients of every parameter, within ${TOLERANCE} of the largest entry`, async () => {
    const graph = trainingGraph();
    const scope = rootScope({ lora: { ...releasedLora(microConfig.language), rank: 2, alpha: 8 } });
    const feeds = randomParameters(describeParameters(microConfig, scope));
    for (const [name, tensor] of placeholdersOf(graph).inputs) feeds[name] = feedOf(name, tensor);
    const expected = await (await cpu.compile(graph)).run(feeds);
    const got = await (await gpu.compile(graph)).run(feeds);
    const worst = Object.entries(expected).map(([name, { data }]) => {
      const reference = data as Float32Array;
      const scale = Math.max(1e-3, ...reference.map(Math.abs));
      const differences = reference.map((value, i) => Math.abs(value - Number(got[name].data[i])));
      return { name, difference: Math.max(...differences) / scale };
    });
    expect(worst.length).toBeGreaterThan(80);
    expect(worst.filter(({ difference }) => !(difference <= TOLERANCE))).toEqual([]);
    // SwiftShader compiles some hundred shaders on the CPU first.
  }, 300_000);
});
