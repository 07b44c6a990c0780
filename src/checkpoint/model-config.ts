import { type OwlConfig, parseConfig, publishedModel } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { joinPath, readJson } from "../platform/index.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { renamed } from "./renamed.ts";
import { entriesByName } from "./tensor-source.ts";
import { hasWeights } from "./weights.ts";

/** A model directory's config; what config.json leaves out is read from the weights, if they are there. */
export async function readModelConfig(directory: string): Promise<OwlConfig> {
  const path = joinPath(directory, modelFiles.config);
  if (!(await hasWeights(directory))) return parseConfig(await readJson(path), path);
  const { config, weights } = await openCheckpoint(directory);
  try {
    const nameOf = publishedModel.rename(
      config,
      weights.tensors.map(({ name }) => name),
    );
    const named = nameOf === undefined ? weights : renamed(weights, nameOf);
    return parseConfig(config, path, entriesByName(named));
  } finally {
    await weights.close();
  }
}
