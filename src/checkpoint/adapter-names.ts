import { type LoraPart, loraParameter, loraPartOf } from "../model/index.ts";
import type { StateDict } from "./tensor-source.ts";
import { isDerivedBuffer } from "./weights.ts";

/** The prefix of every parameter name in a model that PEFT wraps. */
export const peftPrefix = "base_model.model.";

/** PEFT's name of a part of a module's LoRA. */
export const loraName = (module: string, part: LoraPart): string => peftPrefix + loraParameter(module, part);

/** The module that a part of a LoRA, by PEFT's name, belongs to. */
export const moduleOf = (part: string): string => loraPartOf(part.slice(peftPrefix.length))!.layer;

/** The published names of the layers that have a LoRA. */
export function modulesOf(lora: StateDict): Set<string> {
  return new Set([...lora.keys()].map(moduleOf));
}

/** Further wrappers: distributed data parallel in front, `torch.compile` and sharded data parallel anywhere. */
const WRAPPERS =
  /^(?:module\.)+|(?<=^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.(?:module\.)*/g;

/** PEFT's wrapper of the whole model, or (UReader's training) of the language model inside of it. */
const PEFT_WRAPPER = /^(language_model\.)?base_model\.model\./;

/** A state dict has the adapter's name in them, and the vector of a DoRA `.weight` behind it. */
const MATRIX = /\.lora_([AB])(?:\.([^.]+))?\.weight$/;
const MAGNITUDE = /\.lora_(magnitude)_vector(?:\.([^.]+?))??(?:\.weight)?$/;

/** Names of tensors of other kinds of adapters, beside LoRA's matrices (biases, embeddings) or instead of them. */
const OTHER_KIND =
  /(^|\.)(lora_\w+|ia3_\w+|hada_\w+|lokr_\w+|oft_\w+|boft_\w+|hra_\w+|vera_\w+|vblora_\w+|randlora_\w+|spectrum|prompt_embeddings|prompt_encoder)(\.|$)/;

/** Whether a name, of an adapter's file or of a state dict, is that of one of a LoRA's two matrices. */
export const isLoraMatrix = (name: string): boolean => MATRIX.test(name);

/** Tensors of a file of an adapter or of a whole model wrapped by PEFT, sorted, by the names used here. */
export interface SortedTensors {
  /** By the names that PEFT gives them in files: without the adapter's own. */
  readonly lora: StateDict;
  /** The others, by the model's names. */
  readonly replaced: StateDict;
  readonly problems: readonly string[];
}

/**
 * Sorts the tensors of an adapter. In files of PEFT a matrix is called `<layer>.lora_A.weight`, the lengths of a DoRA
 * `<layer>.lora_magnitude_vector`; a state dict that a
 * training script saved has the adapter's name in it (`<layer>.lora_A.default.weight`), and of a whole model also the
 * layer's own weight, as `<layer>.weight` or `<layer>.base_layer.weight`.
 */
export function sortTensors(tensors: StateDict): SortedTensors {
  const lora: StateDict = new Map();
  const replaced: StateDict = new Map();
  const problems: string[] = [];
  const adapters = new Set<string>();
  const keep = (into: StateDict, name: string, published: string): void => {
    if (into.has(published)) problems.push(`${published} more than once (again as ${name})`);
    else into.set(published, tensors.get(name)!);
  };
  for (const name of tensors.keys()) {
    const plain = name.replace(WRAPPERS, "").replace(PEFT_WRAPPER, "$1");
    const part = MATRIX.exec(plain) ?? MAGNITUDE.exec(plain);
    if (part !== null) {
      if (part[2] !== undefined) adapters.add(part[2]);
      keep(lora, name, loraName(plain.slice(0, part.index), part[1] as LoraPart));
    } else if (OTHER_KIND.test(plain)) problems.push(`${plain}, which no plain LoRA has`);
    else if (!isDerivedBuffer(plain) && !/\.original_module\./.test(plain)) {
      keep(replaced, name, plain.replace(/\.base_layer\./, ".").replace(/\.modules_to_save\.[^.]+\./, "."));
    }
  }
  // Their matrices have the same names but for the adapters', so that each is there more than once.
  const several = `several adapters (${[...adapters].join(", ")}) where one is meant`;
  return { lora, replaced, problems: adapters.size > 1 ? [several] : problems };
}
