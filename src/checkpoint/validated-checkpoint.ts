import { modelFiles } from "../model-files/index.ts";
import { joinPath } from "../platform/index.ts";
import { type OpenedCheckpoint, openCheckpoint } from "./checkpoint.ts";
import { entriesByName, type TensorEntry } from "./tensor-source.ts";
import { type ExpectedParameter, validatedWeights } from "./validate.ts";

/** A checkpoint whose weights match its config. */
export interface ValidatedCheckpoint<Config> {
  readonly config: Config;
  /** Its weights are exactly those of the model; the caller closes them. */
  readonly checkpoint: OpenedCheckpoint;
}

/**
 * Opens a checkpoint directory and validates its weights against its config, strictly and before any is read.
 *
 * @param parse makes the model's config of config.json, the file's name and what is known of the weights
 * @param describe the parameters that a model of this config asks for
 * @throws what `openCheckpoint`, `parse` and `validatedWeights` throw; nothing is left open then
 */
export async function openValidated<Config>(
  directory: string,
  parse: (json: unknown, where: string, tensors: ReadonlyMap<string, TensorEntry>) => Config,
  describe: (config: Config) => readonly ExpectedParameter[],
): Promise<ValidatedCheckpoint<Config>> {
  const checkpoint = await openCheckpoint(directory);
  const { weights } = checkpoint;
  try {
    const config = parse(checkpoint.config, joinPath(directory, modelFiles.config), entriesByName(weights));
    const fitting = await validatedWeights(weights, describe(config));
    return { config, checkpoint: { ...checkpoint, weights: fitting } };
  } catch (error) {
    await weights.close();
    throw error;
  }
}
