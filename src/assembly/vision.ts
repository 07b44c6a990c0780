import {
  CheckpointError,
  type OpenedCheckpoint,
  type RowRange,
  renamed,
  rowsOf,
  type TensorEntry,
  type TensorSource,
} from "../checkpoint/index.ts";
import { type Preprocessor, preprocessorOfSize, statedPreprocessor } from "../image/index.ts";
import {
  describeModelType,
  type OnProblem,
  publishedVision,
  publishedVisionTypes,
  type VisionConfig,
  type VisionTower,
} from "../model/index.ts";
import { allocate, elementCount, type HostTensor } from "../tensor/index.ts";
import { withPositions } from "./positions.ts";

export interface PublishedVisionConfig {
  readonly tower: VisionTower<VisionConfig>;
  readonly config: VisionConfig;
}

/**
 * Reads the config.json of a vision tower as Hugging Face has it: alone, or the `vision_config` of a model of pictures
 * and texts.
 *
 * @param onProblem is told every key that is wrong or asks for what is not supported
 */
export function readPublishedVision(json: unknown, onProblem: OnProblem): PublishedVisionConfig | undefined {
  const found = publishedVision(Object(json));
  if (found === undefined) {
    const types = publishedVisionTypes().map((type) => JSON.stringify(type));
    onProblem("model_type", `must be ${types.join(" or ")}, got ${describeModelType(json)}`);
    return undefined;
  }
  const config = found.tower.published.readConfig(found.json, onProblem);
  return config && { tower: found.tower, config };
}

/**
 * The tower for pictures of a size, and how they are prepared: as its own preprocessing has it, of which as much is seen
 * at another size.
 *
 * @param imageSize in pixels; default: the size that its preprocessing makes, which a tower that does not take any size
 *   has in its config.json too
 * @throws ImageError for preprocessing that is not computed; CheckpointError where the two sizes differ
 */
export function sizedVision(
  { tower, config }: PublishedVisionConfig,
  { preprocessorConfig, preprocessorFile }: Pick<OpenedCheckpoint, "preprocessorConfig" | "preprocessorFile">,
  imageSize?: number,
): { readonly published: PublishedVisionConfig; readonly preprocessor: Preprocessor } {
  const { preprocessing, takesAnySize } = tower.published;
  const own = statedPreprocessor(preprocessorConfig, preprocessorFile, preprocessing(config.imageSize));
  if (imageSize === undefined && !takesAnySize && own.size !== config.imageSize) {
    throw new CheckpointError(
      preprocessorFile,
      `must make pictures of ${config.imageSize} pixels, as the model's config.json says`,
      [`${own.size} pixels`],
      `Name the size: --image-size ${own.size} (imageSize); the positions are then interpolated where they must be.`,
    );
  }
  const size = imageSize ?? own.size;
  return {
    published: { tower, config: { ...config, imageSize: size } },
    preprocessor: preprocessorOfSize(own, size),
  };
}

const PREFIX = "vision_model.";

/**
 * What stands in front of the names of a tower's tensors: `vision_model.`, nothing in what transformers 5 saves of a
 * tower alone, more where it was a part of something.
 *
 * @throws CheckpointError where there are several
 */
function prefixOf({ path, tensors }: TensorSource, { title, published }: VisionTower): string {
  const { marker } = published;
  const found = tensors.filter(({ name }) => name === marker || name.endsWith(`.${marker}`));
  const prefixes = found.map(({ name }) => name.slice(0, -marker.length));
  if (prefixes.length > 1) {
    const next = "Save the one that is meant on its own.";
    throw new CheckpointError(
      path,
      `must hold the vision half of one ${title}`,
      [`several: ${prefixes.map((prefix) => prefix || "(no prefix)").join(", ")}`],
      next,
    );
  }
  return prefixes.at(0) ?? PREFIX;
}

/**
 * A published tower's tensors under an owl's names and in its shapes. What else is in the file (a CLIP's text half and
 * projections) is left out, and positions are interpolated for the size of pictures that the config says.
 *
 * @param dims the sizes of an owl's parameters by name: a tensor of as many numbers gets them
 */
export function visionWeights(
  given: TensorSource,
  { tower, config }: PublishedVisionConfig,
  dims: ReadonlyMap<string, readonly number[]>,
): TensorSource {
  const { names, fused, unused, positions } = tower.published;
  const prefix = prefixOf(given, tower);
  // A file of a tower without registers may hold an empty table of them.
  const own = given.tensors.filter(
    ({ name, dims }) =>
      name.startsWith(prefix) && !unused?.test(name.slice(prefix.length)) && elementCount(dims) > 0,
  );
  const ownName = (name: string): string =>
    PREFIX +
    names.reduce((known, [published, ours]) => known.replace(published, ours), name.slice(prefix.length));
  const ownDims = (name: string, published: readonly number[]): readonly number[] => {
    const wanted = dims.get(name) ?? published;
    return withoutOnes(wanted) === withoutOnes(published) ? wanted : published;
  };
  const plain = renamed({ ...given, tensors: own }, ownName, ownDims);
  // Rows are counted in an owl's sizes, so a tensor is read as a whole.
  const source = {
    ...plain,
    read: async (name: string, rows?: RowRange) => rowsOf(await plain.read(name), rows),
  };
  const whole = fused === undefined ? source : withFused(source, fused, config.heads);
  const table = positions && PREFIX + positions.tensor;
  const wanted = table && dims.get(table);
  return wanted ? withPositions(whole, positions, table, wanted) : whole;
}

const withoutOnes = (dims: readonly number[]): string => dims.filter((size) => size !== 1).join();

type Fusion = NonNullable<VisionTower["published"]["fused"]>;

/** A source in which separate projections are one tensor whose rows lie as [heads, parts, headDim]. */
function withFused(source: TensorSource, { parts, whole }: Fusion, heads: number): TensorSource {
  const entries = new Map(source.tensors.map((entry) => [entry.name, entry]));
  const [first] = parts;
  const partsOf = new Map<string, readonly string[]>();
  for (const name of entries.keys()) {
    if (!name.includes(`.${first}.`)) continue;
    const together = parts.map((part) => name.replace(`.${first}.`, `.${part}.`));
    const { dims } = entries.get(name)!;
    const complete = together.every((part) => entries.get(part)?.dims.join() === dims.join());
    if (complete) partsOf.set(name.replace(`.${first}.`, `.${whole}.`), together);
  }
  // A projection without its fellows stays: whoever compares with a model finds it unexpected.
  const used = new Set([...partsOf.values()].flat());
  const fused = [...partsOf].map(([name, [from]]): TensorEntry => {
    const { dims, type } = entries.get(from)!;
    return { name, type, dims: [parts.length * dims[0], ...dims.slice(1)] };
  });
  return {
    ...source,
    tensors: [...source.tensors.filter(({ name }) => !used.has(name)), ...fused],
    read: async (name, rows) => {
      const from = partsOf.get(name);
      return from === undefined
        ? source.read(name, rows)
        : rowsOf(await readFused(source, from, heads), rows);
    },
  };
}

async function readFused(source: TensorSource, from: readonly string[], heads: number): Promise<HostTensor> {
  const parts: HostTensor[] = [];
  for (const name of from) parts.push(await source.read(name));
  const [{ dims, data }] = parts;
  const fused = allocate("float32", [parts.length * dims[0], ...dims.slice(1)]);
  // A head's rows of one projection lie together in both layouts.
  const block = data.length / heads;
  for (const [part, { data: numbers }] of parts.entries()) {
    for (let head = 0; head < heads; head++) {
      const rows = (numbers as Float32Array).subarray(head * block, (head + 1) * block);
      fused.data.set(rows, (parts.length * head + part) * block);
    }
  }
  return fused;
}
