import type { StateDict } from "../../src/checkpoint/index.ts";
import { toPixelValues } from "../../src/image/index.ts";
import {
  linearLayer,
  type OwlConfig,
  patchCount,
  patchStates,
  pixelInput,
  visionEncoder,
} from "../../src/model/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import { dim, placeholdersOf, rootScope } from "../../src/tensor/index.ts";
import { denseHead } from "../../src/training/index.ts";
import { COLORS } from "../concepts/colors.ts";
import { preprocessor } from "../training/plan.ts";
import { type Score, score } from "./scoring.ts";
import type { SingleThing } from "./single-things.ts";

const IMAGES = 32;

/** Names every patch of a picture by stage V's own head; the concept with the most votes of all patches wins. */
export async function visionAccuracy(
  config: OwlConfig,
  weights: StateDict,
  conceptCount: number,
  items: readonly SingleThing[],
  device: Device,
): Promise<Score> {
  const head = weights.get(`${denseHead}.weight`);
  if (head === undefined)
    throw new Error("vision accuracy: the weights of stage V must have its head, and have not");
  const classes = head.dims[0];
  const scope = rootScope({});
  const { lastHiddenState } = visionEncoder(
    scope.at("vision_model"),
    pixelInput(config, IMAGES),
    config.vision,
  );
  const patches = patchStates(lastHiddenState, config.vision);
  const logits = linearLayer(scope.at(denseHead), patches, dim("classes", classes), {
    bias: true,
    deviation: 0,
  });
  const graph = { name: "patches", outputs: { logits } };
  const parameters = Object.fromEntries(
    [...placeholdersOf(graph).parameters.keys()].map((name) => [name, weights.get(name)!]),
  );
  const program = await device.compile(graph);
  const { imageSize } = config.vision;
  let right = 0;
  for (let start = 0; start < items.length; start += IMAGES) {
    const some = items.slice(start, start + IMAGES);
    const pixels = device.allocate("float32", [IMAGES, 3, imageSize, imageSize]);
    for (const [i, { picture }] of some.entries())
      pixels.data.set(toPixelValues(picture, preprocessor(config)), i * 3 * imageSize * imageSize);
    const { logits: values } = await program.run({ ...parameters, pixel_values: pixels });
    for (const [i, { concept }] of some.entries()) {
      const rows = (values.data as Float32Array).subarray(i * patchCount(config.vision) * classes);
      if (vote(rows, patchCount(config.vision), classes, conceptCount) === concept.index) right++;
    }
  }
  program.dispose();
  return score(right, items.length);
}

/** The concept with the largest sum of probabilities over the patches. */
function vote(logits: Float32Array, patches: number, classes: number, conceptCount: number): number {
  const votes = new Float64Array(conceptCount);
  for (let patch = 0; patch < patches; patch++) {
    const row = logits.subarray(patch * classes, (patch + 1) * classes);
    const most = Math.max(...row);
    const total = row.reduce((sum, value) => sum + Math.exp(value - most), 0);
    for (let c = 0; c < conceptCount; c++) votes[c] += Math.exp(row[COLORS.length + c] - most) / total;
  }
  return votes.indexOf(Math.max(...votes));
}
