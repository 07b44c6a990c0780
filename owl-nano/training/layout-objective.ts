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
import { RELATION_KINDS } from "../scenes/note-relations.ts";
import type { ReadingSizes } from "./reading-objective.ts";

/** Heads on the patches' last states that the layout stage alone trains; the reading stage begins with them. */
export const LAYOUT_HEADS = {
  word: "word_head",
  color: "color_head",
  before: "before_head",
  after: "after_head",
  among: "among_head",
  position: "position_head",
} as const;

/** Numbers that say where a patch is. */
export const POSITION_FEATURES = 16;

/** The heads that tell classes apart, in the order of their losses; `patch` is the vision stage's. */
export const CLASS_HEADS = ["patch", "word", "color", ...RELATION_KINDS] as const;
export type ClassHead = (typeof CLASS_HEADS)[number];

/** How many classes each head tells apart: what covers a patch, words that its cell can say, colors, relations and none. */
export type LayoutClasses = Readonly<Record<ClassHead, number>>;

/** The input of a head's true classes. */
export const labelsOf = (head: ClassHead): string => (head === "patch" ? "labels" : `${head}_labels`);

/**
 * The layout stage: the vision encoder learns, at full size, what covers each patch, which word its cell says (a name only where the
 * thing's middle is), the thing's own color, the relations that the cell says, and where in the picture the patch is. Inputs:
 * `pixel_values`, int64 [images · patches] as {@link labelsOf} names them, `positions` float32
 * [images · patches, {@link POSITION_FEATURES}], and `loss_weights` float32 [7 · images · patches], in the order of
 * {@link CLASS_HEADS}, the positions last.
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
    const classLoss = (kind: ClassHead): Tensor => {
      const head = kind === "patch" ? denseHead : LAYOUT_HEADS[kind];
      const logits = read(head, dim(`${head} classes`, classes[kind]));
      return crossEntropy(logits, input(labelsOf(kind), "int64", [rows]));
    };
    const features = dim("positionFeatures", POSITION_FEATURES);
    const error = sub(read(LAYOUT_HEADS.position, features), input("positions", "float32", [rows, features]));
    const losses = concat(
      [...CLASS_HEADS.map(classLoss), reshape(reduceMean(mul(error, error), [1]), [rows])],
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
