import { modelFiles } from "../model-files/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";

const OWN = modelFiles.preprocessorConfig;
const NESTED = modelFiles.processorConfig;

/** The settings of a model's image preprocessor. */
export interface StoredPreprocessing {
  /** Not validated yet; undefined where the directory has none. */
  readonly content: unknown;
  /** The file that holds them, or that would, for messages. */
  readonly where: string;
}

/**
 * Reads the settings of a model's image preprocessor: `preprocessor_config.json`, or the section `image_processor` of
 * `processor_config.json`.
 *
 * @throws CheckpointError where both files speak and say different things of the pixels
 */
export async function readPreprocessing(directory: string): Promise<StoredPreprocessing> {
  const own = joinPath(directory, OWN);
  const nested = joinPath(directory, NESTED);
  const content = await readIfThere(own);
  const section = sectionOf(await readIfThere(nested));
  if (content === undefined) return { content: section, where: section === undefined ? own : nested };
  const problems = section === undefined ? [] : differences(content, section);
  if (problems.length === 0) return { content, where: own };
  const next = `Take the one away that is wrong.`;
  throw new CheckpointError(directory, `must say the same in ${OWN} and ${NESTED}`, problems, next);
}

async function readIfThere(path: string): Promise<unknown> {
  return (await pathKind(path)) === "file" ? readJson(path) : undefined;
}

/** The section, or the whole file where that is one of pictures under the other's name. */
function sectionOf(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return undefined;
  if ("image_processor" in json) return json.image_processor ?? undefined;
  return "image_mean" in json || "image_processor_type" in json ? json : undefined;
}

/** Keys that change pixels. A size has several spellings. */
const COMPARED: Readonly<Record<string, (value: unknown) => unknown>> = {
  size: side,
  crop_size: side,
  ...Object.fromEntries(
    ["image_mean", "image_std", "resample", "rescale_factor", "do_resize", "do_rescale", "do_normalize"].map(
      (key) => [key, (value: unknown) => value],
    ),
  ),
};

function side(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { shortest_edge, height } = value as Record<string, unknown>;
  return shortest_edge ?? height ?? value;
}

function differences(own: unknown, nested: unknown): string[] {
  const [first, second] = [own, nested].map((json) => Object(json) as Record<string, unknown>);
  return Object.entries(COMPARED).flatMap(([key, meaning]) => {
    const [a, b] = [first[key], second[key]];
    if (a == null || b == null) return [];
    const shown = [a, b].map((value) => JSON.stringify(meaning(value)));
    return shown[0] === shown[1] ? [] : [`${key} ${shown[0]} in ${OWN}, ${shown[1]} in ${NESTED}`];
  });
}
