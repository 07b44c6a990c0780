import type { OpenFile } from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { openFormat } from "./open-format.ts";
import { STORED_TYPES } from "./stored-types.ts";
import { entryOf, type TensorSource } from "./tensor-source.ts";
import { readContent, type TorchContent } from "./torch-content.ts";
import { describeTensor, readTorchTensor, type TorchEntry, tensorsByName } from "./torch-tensors.ts";
import { PickleError } from "./unpickler.ts";

const SAFER = "Nothing of it was executed. Fetch the file again, or save its state dict as safetensors.";

function malformed(where: string, problems: readonly string[]): CheckpointError {
  return new CheckpointError(where, "must be a PyTorch file of dense tensors", problems, SAFER);
}

/**
 * Opens a PyTorch file (`.bin`, `.pt`) as `torch.save` writes it: a zip archive, or the format before version 1.6.
 * Nothing in it is executed: of its pickle only containers, numbers, texts and the globals that rebuild dense
 * tensors are taken. Views, transposed and shared tensors come out row-major. The caller closes it.
 *
 * Tensors in nested dicts have the keys that lead to them as names, joined by dots; keys that all share are left
 * out.
 *
 * @throws CheckpointError naming the file and the global, the operation, or every tensor that is refused
 */
export async function openTorch(path: string): Promise<TensorSource> {
  return openFormat("a PyTorch file", path, torchSource);
}

/** As {@link openTorch}, over an opened file. */
export async function torchSource(file: OpenFile): Promise<TensorSource> {
  const entries = await describeAll(file);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    path: file.path,
    tensors: entries,
    read: async (name, rows) => readTorchTensor(file, entryOf(byName, name, file.path), rows),
    close: () => file.close(),
  };
}

async function describeAll(file: OpenFile): Promise<TorchEntry[]> {
  const { value, storages } = await contentOf(file);
  const named = tensorsByName(value);
  if (typeof named === "string") throw malformed(file.path, [named]);
  const problems: string[] = [];
  const entries = new Map<string, TorchEntry>();
  for (const [name, tensor] of named) {
    const entry = describeTensor(name, tensor, (key) => storages.get(key));
    if (typeof entry === "string") problems.push(`${shortened(name)} with ${entry}`);
    else if (entries.has(name)) problems.push(`the name ${shortened(name)} more than once`);
    else entries.set(name, entry);
  }
  const found = [...entries.values()];
  problems.push(...sizeProblems(found, file.size));
  if (problems.length > 0) throw malformed(file.path, problems);
  return found;
}

async function contentOf(file: OpenFile): Promise<TorchContent> {
  try {
    return await readContent(file);
  } catch (error) {
    if (error instanceof PickleError) throw malformed(file.path, [error.message]);
    throw error;
  }
}

/** Tensors may share bytes, and repeat them by strides of zero; but not so that a small file fills the memory. */
function sizeProblems(entries: readonly TorchEntry[], fileSize: number): string[] {
  const total = entries.reduce((sum, { dims, type }) => sum + elementCount(dims) * STORED_TYPES[type], 0);
  const most = 4 * fileSize + 64 * 1024 * 1024;
  return total > most ? [`tensors of ${total} bytes in a file of ${fileSize}`] : [];
}

function shortened(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
