import {
  CheckpointError,
  entriesByName,
  type OpenedCheckpoint,
  openCheckpoint,
  readAll,
  type StateDict,
  type TensorSource,
  validatedWeights,
} from "../checkpoint/index.ts";
import { storedParameters } from "../inference/index.ts";
import { ProbeError } from "../inspection/index.ts";
import {
  describeParameter,
  modelScope,
  type OnProblem,
  type ParameterDescription,
  parseConfig,
  pixelInput,
  type VisionConfig,
  visionEncoder,
} from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { joinPath } from "../platform/index.ts";
import { type DeviceOptions, openDevice, type StoredParameters } from "../runtime/index.ts";
import { type Graph, type HostTensor, placeholdersOf, rootScope, type Scope } from "../tensor/index.ts";
import { readPublishedVision, visionWeights } from "./vision.ts";

/** A vision encoder's graph and weights. */
interface Probed {
  readonly graph: Graph;
  readonly parameters: readonly ParameterDescription[];
  readonly weights: TensorSource;
  /** Weights that stay in their files. */
  readonly stored?: StoredParameters;
}

/**
 * The last hidden state of a vision tower as Hugging Face has it (alone, or in a model of pictures and texts), or of an owl's
 * vision encoder, to compare implementations.
 *
 * @param inputs `pixel_values` [images, 3, side, side]; a tower alone takes any side, and its positions are interpolated
 *   where it is not that of its config.json
 * @returns `last_hidden_state` float32 [images, tokens, hidden], of a tower alone as transformers has it: a CLIP's is in
 *   front of its last normalisation, an owl's behind it
 * @throws ProbeError for inputs that do not fit; CheckpointError naming every setting and tensor that does not
 */
export async function probeVision(
  directory: string,
  inputs: StateDict,
  device: DeviceOptions = {},
): Promise<StateDict> {
  const pixels = squarePixels(inputs);
  const checkpoint = await openCheckpoint(directory);
  try {
    const isOwl = Object.hasOwn(Object(checkpoint.config), "visual_abstractor_config");
    const probed = isOwl ? await ofOwl(checkpoint, pixels) : ofTower(checkpoint, pixels);
    const { graph, parameters, weights, stored } = probed;
    const values = stored
      ? new Map<string, HostTensor>()
      : await readAll(await validatedWeights(weights, parameters));
    const used = placeholdersOf(graph).parameters;
    const given = Object.fromEntries([...values].filter(([name]) => used.has(name)));
    const program = await (await openDevice(device)).compile(graph, { stored });
    try {
      const { last_hidden_state } = await program.run({ ...given, pixel_values: pixels });
      return new Map([["last_hidden_state", last_hidden_state]]);
    } finally {
      program.dispose();
    }
  } finally {
    await checkpoint.weights.close();
  }
}

function squarePixels(inputs: StateDict): HostTensor {
  const pixels = inputs.get("pixel_values");
  const [, channels, height, width] = pixels?.dims ?? [];
  if (pixels?.dtype === "float32" && pixels.dims.length === 4 && channels === 3 && height === width) {
    return pixels;
  }
  const got = pixels === undefined ? "nothing" : `${pixels.dtype} [${pixels.dims.join(", ")}]`;
  throw new ProbeError(`pixel_values: must be floating-point [images, 3, side, side], got ${got}`);
}

function ofTower({ config: json, directory, weights }: OpenedCheckpoint, { dims }: HostTensor): Probed {
  const problems: string[] = [];
  const file = joinPath(directory, modelFiles.config);
  const onProblem: OnProblem = (key, problem) => problems.push(`${key}: ${problem}`);
  const read = readPublishedVision(json, onProblem);
  if (read !== undefined && dims[2] < read.config.patchSize) {
    onProblem("patch_size", `must not exceed the pictures' side (${dims[2]}), got ${read.config.patchSize}`);
  }
  if (read === undefined || problems.length > 0) {
    const must = "must describe a vision encoder with settings that are computed here";
    throw new CheckpointError(file, must, problems, "Give another model.");
  }
  const published = { ...read, config: { ...read.config, imageSize: dims[2] } };
  const { graph, parameters } = traced(published.config, rootScope(), read.tower.published.endsNormalised);
  const wanted = new Map(parameters.map((parameter) => [parameter.name, parameter.dims]));
  return { graph, parameters, weights: visionWeights(weights, published, wanted) };
}

async function ofOwl(
  { config: json, directory, weights }: OpenedCheckpoint,
  { dims }: HostTensor,
): Promise<Probed> {
  const config = parseConfig(json, joinPath(directory, modelFiles.config), entriesByName(weights));
  const { imageSize } = config.vision;
  if (dims[2] !== imageSize) {
    throw new ProbeError(
      `pixel_values: must be [images, 3, ${imageSize}, ${imageSize}], got [${dims.join(", ")}]`,
    );
  }
  const own = weights.tensors.filter(({ name }) => name.startsWith("vision_model."));
  const source = { ...weights, tensors: own.filter(({ name }) => !/\.temporal\./.test(name)) };
  const stored = config.quantization && { stored: await storedParameters(weights) };
  return { ...traced(config.vision, modelScope(config), true), weights: source, ...stored };
}

function traced(
  vision: VisionConfig,
  scope: Scope,
  isNormalised: boolean,
): Pick<Probed, "graph" | "parameters"> {
  const pixels = pixelInput({ vision });
  const { hiddenStates, lastHiddenState } = visionEncoder(scope.at("vision_model"), pixels, vision);
  const state = isNormalised ? lastHiddenState : hiddenStates[vision.layers];
  const parameters = [...scope.parameters()].map(([name, tensor]) => describeParameter(name, tensor));
  return { graph: { name: "vision", outputs: { last_hidden_state: state } }, parameters };
}
