import { weightExtensions } from "../model-files/index.ts";
import { openSafetensors } from "./safetensors.ts";
import type { TensorSource } from "./tensor-source.ts";
import { openTorch } from "./torch-file.ts";

/** A format in which programs store weights. */
export interface WeightFormat {
  /** As errors call it. */
  readonly name: string;
  /** How its files' names end, the published one first. */
  readonly extensions: readonly [published: string, ...others: string[]];
  /** What a model's file is called without its extension. */
  readonly stem: string;
  /** Whether a browser can read it. */
  readonly inBrowser: boolean;
  /** Opens one file; its tensors are read one at a time. */
  readonly open: (path: string) => Promise<TensorSource>;
}

/** What is written here, too: see `writeSafetensors` and `writeShards`. */
export const safetensors: WeightFormat = {
  name: "safetensors",
  extensions: weightExtensions.safetensors,
  stem: "model",
  inBrowser: true,
  open: openSafetensors,
};

const torch: WeightFormat = {
  name: "PyTorch",
  extensions: weightExtensions.torch,
  stem: "pytorch_model",
  inBrowser: false,
  open: openTorch,
};

/** The formats by the names of {@link weightExtensions}; the first one counts where a directory holds several. */
const formatTable: Readonly<Record<keyof typeof weightExtensions, WeightFormat>> = { safetensors, torch };

/**
 * Every format of weights that is read. A further one is a file that opens it, its extension in `model-files` and a row
 * above: loading, fetching from the hub, caching, serving and checksums follow.
 */
export const weightFormats: readonly WeightFormat[] = Object.values(formatTable);

/** The file that holds all weights of a model. */
export const wholeFile = ({ stem, extensions }: WeightFormat): string => stem + extensions[0];

/** The file that says which of several files holds which tensor. */
export const indexFile = (format: WeightFormat): string => `${wholeFile(format)}.index.json`;

/** The file of a LoRA adapter, as PEFT names it. */
export const adapterFile = ({ extensions }: WeightFormat): string => `adapter_model${extensions[0]}`;

/** The name of a model's i-th file of several. */
export function shardFile({ stem, extensions }: WeightFormat, i: number, count: number): string {
  const fiveDigits = (value: number): string => String(value).padStart(5, "0");
  return `${stem}-${fiveDigits(i + 1)}-of-${fiveDigits(count)}${extensions[0]}`;
}

/** Whether a name is one of this format's. */
export function isNameOf({ extensions }: WeightFormat, name: string): boolean {
  return extensions.some((extension) => name.endsWith(extension));
}

/** Whether a name is that of a model's weights, or of their index, in any format. */
export function isWeightFile(name: string): boolean {
  return weightFormats.some((format) => {
    const stored = name.replace(/\.index\.json$/, "");
    return stored.startsWith(format.stem) && stored.endsWith(format.extensions[0]);
  });
}

/** Opens a file of tensors in the format that its name tells; safetensors where it tells none. */
export function openTensors(path: string): Promise<TensorSource> {
  return (weightFormats.find((format) => isNameOf(format, path)) ?? safetensors).open(path);
}
