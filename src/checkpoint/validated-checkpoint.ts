import { modelFiles } from "../model-files/index.ts";
import { joinPath } from "../platform/index.ts";
import { type OpenedCheckpoint, openCheckpoint } from "./checkpoint.ts";
import { renamed } from "./renamed.ts";
import { entriesByName, type TensorEntry } from "./tensor-source.ts";
import { type ExpectedParameter, headIsTied, validatedWeights } from "./validate.ts";

/** A checkpoint whose weights match its config. */
export interface ValidatedCheckpoint<Config> {
  readonly config: Config;
  /** Its weights are exactly those of the model; the caller closes them. */
  readonly checkpoint: OpenedCheckpoint;
}

/** How a kind of model is read from its files. */
export interface ModelReader<Config> {
  /** Makes the model's config of config.json, the file's name and what is known of the weights. */
  parse(json: unknown, where: string, tensors: ReadonlyMap<string, TensorEntry>): Config;
  /** The parameters that a model of this config asks for. */
  describe(config: Config): readonly ExpectedParameter[];
  /** The model's names of the file's tensors, undefined for those that it has no use for; undefined: they are the same. */
  rename(json: unknown, names: readonly string[]): ((name: string) => string | undefined) | undefined;
  /** The config with a head of its own, where the stored one differs from the embeddings; undefined where that is wrong. */
  untied(config: Config): Config | undefined;
}

/**
 * Opens a checkpoint directory and validates its weights against its config, strictly and before any is read.
 *
 * @throws what `openCheckpoint`, the reader and `validatedWeights` throw; nothing is left open then
 */
export async function openValidated<Config>(
  directory: string,
  model: ModelReader<Config>,
): Promise<ValidatedCheckpoint<Config>> {
  const checkpoint = await openCheckpoint(directory);
  try {
    const nameOf = model.rename(
      checkpoint.config,
      checkpoint.weights.tensors.map(({ name }) => name),
    );
    const weights = nameOf === undefined ? checkpoint.weights : renamed(checkpoint.weights, nameOf);
    const where = joinPath(directory, modelFiles.config);
    const tied = model.parse(checkpoint.config, where, entriesByName(weights));
    const untied = model.untied(tied);
    const config = untied === undefined || (await headIsTied(weights, model.describe(tied))) ? tied : untied;
    const fitting = await validatedWeights(weights, model.describe(config));
    return { config, checkpoint: { ...checkpoint, weights: fitting } };
  } catch (error) {
    await checkpoint.weights.close();
    throw error;
  }
}
