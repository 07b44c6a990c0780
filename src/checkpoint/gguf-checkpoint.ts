import {
  factorTensors,
  type GgufHeader,
  type GgufModel,
  ggufParts,
  publishedName,
  type RopeFactors,
  readGgufHeader,
  readModelSettings,
} from "../gguf/index.ts";
import type { OpenFile } from "../platform/index.ts";
import type { QuantizedFormat } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { keptFormats, quantizationSection } from "./gguf-formats.ts";
import { type PlacedTensor, type ReadableTensor, readableTensors } from "./gguf-source.ts";
import { openFormat } from "./open-format.ts";
import { bytesAt, tensorFrom } from "./stored-types.ts";
import { entryOf, type TensorSource } from "./tensor-source.ts";

/** A language model of a GGUF file, as a checkpoint directory would have it. */
export interface GgufCheckpoint {
  /** `config.json`. */
  readonly config: Record<string, unknown>;
  /** By Hugging Face's names; matrices in blocks of 4 or 8 bits stay in such blocks. */
  readonly weights: TensorSource;
}

const OTHER = "Take another file of the model, or its safetensors.";

/**
 * Opens a GGUF file of a language model, or all files of one that is split. Only headers are read. Matrices in 4 or 8 bits
 * are not widened: the same whole numbers and scales are laid out anew, piece by piece, as they are asked for.
 *
 * @throws CheckpointError naming everything in the file that is damaged or not computed
 */
export async function openGguf(path: string): Promise<GgufCheckpoint> {
  const files: OpenFile[] = [];
  try {
    const parts: { file: OpenFile; header: GgufHeader }[] = [];
    for (const part of ggufParts(path)) {
      const opened = await openFormat("a GGUF file", part, async (file) => ({
        file,
        header: await headerOf(file),
      }));
      files.push(opened.file);
      parts.push(opened);
    }
    requireWhole(path, parts);
    return await checkpointOf(path, parts);
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

async function headerOf(file: OpenFile): Promise<GgufHeader> {
  const reading = await readGgufHeader(file);
  if ("header" in reading) return reading.header;
  const next = "The file is damaged, or in formats that are not read; fetch it again, or take another one.";
  throw new CheckpointError(file.path, "must be a GGUF file that is read here", reading.problems, next);
}

/** A file that is one of several has the number of them in its metadata. */
function requireWhole(path: string, parts: readonly { readonly header: GgufHeader }[]): void {
  const said = Number(parts[0].header.metadata.get("split.count") ?? 1);
  if (Math.max(1, said) === parts.length) return;
  const got = `split.count ${said} in ${parts.length} file${parts.length === 1 ? "" : "s"}`;
  const next =
    "Name the first of them as it was published, NAME-00001-of-0000N.gguf, with the others beside it.";
  throw new CheckpointError(path, "must be a whole model, or one of files that are numbered so", [got], next);
}

async function checkpointOf(
  path: string,
  parts: readonly { readonly file: OpenFile; readonly header: GgufHeader }[],
): Promise<GgufCheckpoint> {
  const { metadata } = parts[0].header;
  const tensors = parts.flatMap(({ file, header }) => header.tensors.map((tensor) => ({ ...tensor, file })));
  const header: GgufHeader = { metadata, tensors };
  const problems: string[] = [];
  const report = (key: string, problem: string): void => void problems.push(`${key}: ${problem}`);
  const model = readModelSettings(header, await factorsOf(tensors), report);
  const placed = model === undefined ? [] : placedTensors(model, tensors, report);
  if (problems.length > 0 || model === undefined) {
    throw new CheckpointError(path, "must hold a language model that is computed here", problems, OTHER);
  }
  const formats = keptFormats(placed);
  const quantization = quantizationSection(placed, formats);
  return {
    config: { ...model.config, ...(quantization && { quantization }) },
    weights: sourceOf(
      path,
      readable(model, placed, formats),
      parts.map(({ file }) => file),
    ),
  };
}

/** The divisors of frequencies, which are settings that are stored as tensors. */
async function factorsOf(
  tensors: readonly (GgufHeader["tensors"][number] & { file: OpenFile })[],
): Promise<RopeFactors> {
  const read = async (name: string): Promise<number[] | undefined> => {
    const found = tensors.find((tensor) => tensor.name === name);
    if (found === undefined || found.type !== "F32") return undefined;
    const bytes = await bytesAt(found.file, found.offset, found.bytes);
    return [...(tensorFrom("F32", found.dims, bytes).data as Float32Array)];
  };
  const [freqs, long, short] = await Promise.all(factorTensors.map(read));
  return { freqs, long, short };
}

function placedTensors(
  { architecture }: GgufModel,
  tensors: readonly (GgufHeader["tensors"][number] & { readonly file: OpenFile })[],
  report: (key: string, problem: string) => void,
): PlacedTensor[] {
  return tensors.flatMap((tensor) => {
    const found = publishedName(architecture, tensor.name);
    if (found === "unknown")
      report(tensor.name, `is no tensor of this architecture, got [${tensor.dims.join(", ")}]`);
    else if (found.name !== undefined) return [{ ...tensor, published: found.name }];
    return [];
  });
}

function readable(
  { architecture, config }: GgufModel,
  placed: readonly PlacedTensor[],
  formats: ReadonlyMap<string, QuantizedFormat>,
): ReadableTensor[] {
  const rules = {
    architecture,
    headDim: Number(config.head_dim),
    formatOf: (name: string) => formats.get(name),
  };
  return placed.flatMap((tensor) => readableTensors(tensor, rules));
}

function sourceOf(
  path: string,
  tensors: readonly ReadableTensor[],
  files: readonly OpenFile[],
): TensorSource {
  const byName = new Map(tensors.map((tensor) => [tensor.entry.name, tensor]));
  return {
    path,
    tensors: tensors.map(({ entry }) => entry),
    read: async (name, rows) => entryOf(byName, name, path).read(rows),
    close: async () => {
      for (const file of files) await file.close();
    },
  };
}
