import { CheckpointError, type TensorEntry, type TensorSource } from "../checkpoint/index.ts";
import { fileName, parentDirectory, realPath } from "../platform/index.ts";
import type { StoredParameters } from "../runtime/index.ts";

type Place = StoredParameters["places"] extends ReadonlyMap<string, infer P> ? P : never;

const mapped = ["F32", "F16", "BF16", "U8", "I8"] as const;

const isMapped = (type: TensorEntry["type"]): type is Place["type"] => mapped.includes(type as Place["type"]);

/** Whether all of a checkpoint's weights can be mapped from their files; see {@link storedParameters}. */
export function areMappable({ tensors }: TensorSource): boolean {
  return tensors.every(({ type, place }) => place !== undefined && isMapped(type));
}

/**
 * Where a checkpoint's weights lie in their files, so that programs map them from there (ONNX's external data): nothing is
 * read, and nothing is in memory twice.
 *
 * @throws CheckpointError naming every weight that cannot be mapped
 */
export async function storedParameters(weights: TensorSource): Promise<StoredParameters> {
  const next = "Convert the checkpoint again.";
  const places = new Map<string, Place>();
  const problems: string[] = [];
  // The hub's cache has symbolic links; ONNX Runtime needs the files themselves, all in one directory.
  const real = new Map<string, string>();
  for (const { name, type, place } of weights.tensors) {
    if (place === undefined || !isMapped(type)) {
      problems.push(`${name} as ${place ? type : "no safetensors"}`);
      continue;
    }
    const path = real.get(place.path) ?? (await realPath(place.path));
    real.set(place.path, path);
    places.set(name, { file: fileName(path), offset: place.offset, bytes: place.bytes, type });
  }
  if (problems.length > 0) {
    const must = `must hold quantised weights as ${mapped.join(", ")} of safetensors files`;
    throw new CheckpointError(weights.path, must, problems, next);
  }
  const directories = [...new Set([...real.values()].map(parentDirectory))];
  if (directories.length > 1) {
    throw new CheckpointError(weights.path, "must have its weights in one directory", directories, next);
  }
  return { directory: directories[0], places };
}
