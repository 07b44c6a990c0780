import type { Command } from "commander";
import { readPublishedVision, sizedVision } from "../assembly/index.ts";
import { readModelConfig, readPreprocessing, writeSafetensors } from "../checkpoint/index.ts";
import {
  loadTiles,
  type Preprocessor,
  parsePreprocessor,
  statedFit,
  statedPreprocessor,
} from "../image/index.ts";
import { concatenated, owlPreprocessor } from "../inference/index.ts";
import { tilePositions } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";
import { UsageError } from "./failure.ts";
import { requireModel } from "./options.ts";

/** A directory's preprocessing, an owl's or a vision encoder's; with a file of it the model itself need not be there. */
async function preprocessorOf(directory: string): Promise<Preprocessor> {
  const { content, where } = await readPreprocessing(directory);
  const config = joinPath(directory, modelFiles.config);
  if (content !== undefined && (await pathKind(config)) === "missing") {
    return statedFit(content) === undefined
      ? parsePreprocessor(content, where)
      : statedPreprocessor(content, where);
  }
  const tower =
    (await pathKind(config)) === "file" ? readPublishedVision(await readJson(config), () => {}) : undefined;
  if (tower === undefined) return owlPreprocessor(await readModelConfig(directory), content, where);
  return sizedVision(tower, { preprocessorConfig: content, preprocessorFile: where }).preprocessor;
}

async function probePixels(image: string, model: string, outputs: string, fidelity: string): Promise<void> {
  if (fidelity !== "reference" && fidelity !== "default") {
    throw new UsageError(`--fidelity: reference or default, got ${fidelity}`);
  }
  const preprocessor = await preprocessorOf(await requireModel(model, undefined, "base"));
  const tiles = await loadTiles(image, preprocessor, fidelity === "reference" ? { fidelity } : {});
  const dims = [tiles.length, 3, preprocessor.size, preprocessor.size];
  const pixels = tiles.map((tile) => tile.pixels);
  const tensors = new Map<string, HostTensor>([["pixel_values", float32(concatenated(pixels), dims)]]);
  const positions = tiles.flatMap(({ position }) => (position ? [position] : []));
  if (positions.length > 0) tensors.set("patch_positions", tilePositions(positions));
  await writeSafetensors(outputs, tensors);
}

/** `owl probe pixels`: what the vision encoder gets of a picture. */
export function define(command: Command): void {
  command
    .argument("<image>", "a picture")
    .argument("<model>", "a directory with preprocessor_config.json")
    .requiredOption(
      "--outputs <file>",
      "safetensors file to write pixel_values [1, 3, size, size] to; of a model that reads pictures in tiles [tiles, 3, size, size], and patch_positions [tiles, 2]",
    )
    .option(
      "--fidelity <kind>",
      "reference: as the released code reads pictures; default: as people expect",
      "default",
    )
    .action((image: string, model: string, options: { outputs: string; fidelity: string }) =>
      probePixels(image, model, options.outputs, options.fidelity),
    );
}
