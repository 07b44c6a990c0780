import { entriesByName, openCheckpoint } from "../checkpoint/index.ts";
import { type OwlConfig, parseConfig } from "../model/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";

const weightFiles = ["model.safetensors", "pytorch_model.bin"].flatMap((name) => [
  name,
  `${name}.index.json`,
]);

/** A model directory's config; what config.json leaves out is read from the weights, if they are there. */
export async function readModelConfig(directory: string): Promise<OwlConfig> {
  const path = joinPath(directory, "config.json");
  const kinds = await Promise.all(weightFiles.map((name) => pathKind(joinPath(directory, name))));
  if (!kinds.includes("file")) return parseConfig(await readJson(path), path);
  const { config, weights } = await openCheckpoint(directory);
  try {
    return parseConfig(config, path, entriesByName(weights));
  } finally {
    await weights.close();
  }
}
