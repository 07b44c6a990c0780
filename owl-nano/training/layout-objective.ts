import {
  describeParameter,
  linearLayer,
  type OwlConfig,
  patchStates,
  pixelInput,
  stages,
  visionEncoder,
} from "../../src/model/index.ts";
import {
  concat,
  crossEntropy,
  type Dim,
  dim,
  input,
  mergedDim,
  mul,
  reduceMean,
  reshape,
  rootScope,
  type Scope,
  sub,
  type Tensor,
  total,
} from "../../src/tensor/index.ts";
import { denseHead, type Objective } from "../../src/training/index.ts";
import type { ReadingSizes } from "./reading-objective.ts";

/** Heads on the patches' last states; the layout stage alone trains the last three, and the reading stage begins with them. */
export const LAYOUT_HEADS = { word: "word_head", color: "color_head", position: "position_head" } as const;

/** Numbers that say where a patch is. */
export const POSITION_FEATURES = 16;

/** How many classes the heads tell apart. */
export interface LayoutClasses {
  /** What covers a patch, as in the vision stage. */
  readonly patch: number;
  /** Words that the patch's cell can say. */
  readonly word: number;
  readonly color: number;
}

/**
 * The layout stage: the vision encoder learns, at full size, what covers each patch, which word its cell says (a name only where the
 * thing's middle is), the thing's own color, and where in the picture the patch is. Inputs: `pixel_values`, `labels`, `word_labels`
 * and `color_labels` int64 [images · patches], `positions` float32 [images · patches, {@link POSITION_FEATURES}], `loss_weights`
 * float32 [4 · images · patches], in this order.
 */
export function layoutObjective(config: OwlConfig, classes: LayoutClasses): Objective<ReadingSizes> {
  const trained = (name: string): boolean => stages.vision.trained(name) || isLayoutHead(name);
  const trace = (images: number, scope: Scope): Tensor => {
    const { lastHiddenState } = visionEncoder(
      scope.at("vision_model"),
      pixelInput(config, images),
      config.vision,
    );
    const states = patchStates(lastHiddenState, config.vision);
    const rows = mergedDim(states.shape[0], states.shape[1]);
    const read = (head: string, width: Dim): Tensor => {
      const options = { bias: true, deviation: config.vision.initializerRange };
      return reshape(linearLayer(scope.at(head), states, width, options), [rows, width]);
    };
    const classLoss = (head: string, count: number, labels: string): Tensor =>
      crossEntropy(read(head, dim(`${head} classes`, count)), input(labels, "int64", [rows]));
    const features = dim("positionFeatures", POSITION_FEATURES);
    const error = sub(read(LAYOUT_HEADS.position, features), input("positions", "float32", [rows, features]));
    const losses = concat(
      [
        classLoss(denseHead, classes.patch, "labels"),
        classLoss(LAYOUT_HEADS.word, classes.word, "word_labels"),
        classLoss(LAYOUT_HEADS.color, classes.color, "color_labels"),
        reshape(reduceMean(mul(error, error), [1]), [rows]),
      ],
      0,
      "losses",
    );
    return total(mul(losses, input("loss_weights", "float32", losses.shape)));
  };
  const scope = rootScope({ trained });
  trace(1, scope);
  return {
    parameters: [...scope.parameters()].map(([name, tensor]) => describeParameter(name, tensor)),
    batchSize: ({ images }) => images,
    trace: ({ images }) => trace(images, rootScope({ trained })),
  };
}

/** Whether a parameter belongs to a head that is thrown away in the end. */
export function isLayoutHead(name: string): boolean {
  return [denseHead, ...Object.values(LAYOUT_HEADS)].some((head) => name.startsWith(`${head}.`));
}
