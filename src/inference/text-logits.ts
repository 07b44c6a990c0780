import { openValidated, type TensorSource } from "../checkpoint/index.ts";
import { publishedModel, traceLayerwise } from "../model/index.ts";
import { compileWithWeights, type Device, type StoredParameters } from "../runtime/index.ts";
import { type Graph, type HostTensor, int64, placeholdersOf } from "../tensor/index.ts";
import { areMappable, storedParameters } from "./stored-weights.ts";

/**
 * The logits of texts under a checkpoint's language model, computed layer by layer: memory holds the weights of one
 * layer (or of the embeddings) in float32 at a time, whatever the model's size.
 *
 * @param rows the ids of each text; they may be of different lengths
 * @returns float32 [1, tokens, vocabulary] for each row
 * @throws an Error that names the file and everything in it that does not fit
 */
export async function textLogits(
  directory: string,
  rows: readonly (readonly number[])[],
  device: Device,
): Promise<readonly HostTensor[]> {
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  const { weights } = checkpoint;
  try {
    const isMapped = config.quantization !== undefined && areMappable(weights);
    const stored = isMapped ? await storedParameters(weights) : undefined;
    const pieces = rows.map((ids) => traceLayerwise(config, 1, ids.length));
    let values: readonly HostTensor[] = rows.map((ids) => int64(ids, [1, ids.length]));
    for (let piece = 0; piece < config.language.layers + 2; piece++) {
      const graphs = pieces.map((all) => all[piece]);
      values = await runPiece(graphs, values, weights, stored, device);
    }
    return values;
  } finally {
    await weights.close();
  }
}

/** One piece of the model for each row: all of them have the same weights. */
async function runPiece(
  graphs: readonly Graph[],
  values: readonly HostTensor[],
  weights: TensorSource,
  stored: StoredParameters | undefined,
  device: Device,
): Promise<HostTensor[]> {
  const parameters: Record<string, HostTensor> = {};
  for (const name of graphs.length > 0 ? placeholdersOf(graphs[0]).parameters.keys() : []) {
    if (stored === undefined) parameters[name] = await weights.read(name);
  }
  const results: HostTensor[] = [];
  for (const [row, graph] of graphs.entries()) {
    const { program, parameters: asked } = await compileWithWeights(device, graph, parameters, stored);
    try {
      const { y } = await program.run({ ...asked, x: values[row] });
      results.push(y);
    } finally {
      program.dispose();
    }
  }
  return results;
}
