import { modelFiles } from "../model-files/index.ts";
import { joinPath, pathKind, writeFileAtomically } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";
import { indexFile, safetensors, wholeFile } from "./weight-formats.ts";

/**
 * Checks that a directory, which need not exist, holds no model that would be overwritten.
 *
 * @throws CheckpointError naming what it holds
 */
export async function requireNoModel(directory: string): Promise<void> {
  for (const name of [modelFiles.config, wholeFile(safetensors), indexFile(safetensors)]) {
    if ((await pathKind(joinPath(directory, name))) === "missing") continue;
    const next = "Name another directory.";
    throw new CheckpointError(directory, "must be a directory without a model", [name], next);
  }
}

/**
 * Writes the files beside the weights of a new model, config.json last, since it makes the directory a model.
 *
 * @param files by name: bytes as they are, undefined not at all, anything else as JSON
 */
export async function writeSettingsFiles(
  directory: string,
  config: unknown,
  files: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const [name, content] of [...Object.entries(files), [modelFiles.config, config] as const]) {
    if (content === undefined) continue;
    const bytes = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, 2)}\n`;
    await writeFileAtomically(joinPath(directory, name), bytes);
  }
}
