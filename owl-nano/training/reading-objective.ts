import {
  describeParameter,
  linearLayer,
  type OwlConfig,
  patchStates,
  pixelInput,
  stages,
  tokensPerImage,
  visionEncoder,
  visualAbstractor,
} from "../../src/model/index.ts";
import {
  concat,
  crossEntropy,
  dim,
  input,
  mergedDim,
  mul,
  reduceMean,
  reshape,
  rootScope,
  type Scope,
  scalar,
  sub,
  type Tensor,
  total,
} from "../../src/tensor/index.ts";
import { denseHead, type Objective } from "../../src/training/index.ts";
import { isNoteCode, noteTokens } from "./note-tokens.ts";

/** Sizes of a batch of the reading stage. */
export interface ReadingSizes {
  readonly images: number;
}

/**
 * The reading stage: vision encoder and abstractor learn to write the notes of a picture. Each patch's class through the vision
 * stage's head, and each visual token's squared distance to what its cell should say; the language model gives the embeddings and does
 * not run. Inputs: `pixel_values`, those of `noteTokens`, `labels` int64 [images · patches], and `loss_weights` float32
 * [images · (patches + tokens)], all the patches' first.
 *
 * @param size root mean square of the word embeddings, which distances are measured in
 */
export function readingObjective(config: OwlConfig, classes: number, size: number): Objective<ReadingSizes> {
  const trained = (name: string): boolean => stages["1"].trained(name) && !isNoteCode(name);
  const trace = ({ images }: ReadingSizes, scope: Scope): Tensor => {
    const { lastHiddenState } = visionEncoder(
      scope.at("vision_model"),
      pixelInput(config, images),
      config.vision,
    );
    const patches = patchLosses(scope, lastHiddenState, config, classes);
    const tokens = tokenLosses(scope, lastHiddenState, config, size);
    const losses = concat([patches, tokens], 0, "losses");
    return total(mul(losses, input("loss_weights", "float32", losses.shape)));
  };
  const scope = rootScope({ trained });
  trace({ images: 1 }, scope);
  return {
    parameters: [...scope.parameters()].map(([name, tensor]) => describeParameter(name, tensor)),
    batchSize: ({ images }) => images,
    trace: (sizes) => trace(sizes, rootScope({ trained })),
  };
}

/** The cross entropy of every patch, [images · patches]. */
function patchLosses(scope: Scope, states: Tensor, { vision }: OwlConfig, classes: number): Tensor {
  const options = { bias: true, deviation: vision.initializerRange };
  const logits = linearLayer(
    scope.at(denseHead),
    patchStates(states, vision),
    dim("classes", classes),
    options,
  );
  const rows = mergedDim(logits.shape[0], logits.shape[1]);
  return crossEntropy(reshape(logits, [rows, logits.shape[2]]), input("labels", "int64", [rows]));
}

/** The mean squared error of every visual token, [images · tokens], in squares of `size`. */
function tokenLosses(scope: Scope, states: Tensor, config: OwlConfig, size: number): Tensor {
  const written = visualAbstractor(scope, states, config).lastHiddenState;
  const images = states.shape[0].size!;
  const error = sub(written, noteTokens(scope, config, images));
  const squares = mul(reduceMean(mul(error, error), [2]), scalar(1 / size ** 2));
  return reshape(squares, [dim("read", images * tokensPerImage(config))]);
}
