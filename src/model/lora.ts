import type { LoraSize } from "../tensor/index.ts";
import { familyOf, type LanguageConfig } from "./language/families.ts";

/** The two matrices of a LoRA, and the row lengths of a DoRA. */
export type LoraPart = "A" | "B" | "magnitude";

const partNames: Readonly<Record<LoraPart, string>> = {
  A: "lora_A.weight",
  B: "lora_B.weight",
  magnitude: "lora_magnitude_vector",
};

/** The name of a part of a layer's LoRA: PEFT's, without what PEFT puts in front of all names. */
export const loraParameter = (layer: string, part: LoraPart): string => `${layer}.${partNames[part]}`;

/** The layer and the part that a parameter's name speaks of; undefined where it is of no LoRA. */
export function loraPartOf(name: string): { readonly layer: string; readonly part: LoraPart } | undefined {
  const found = /^(.*)\.(?:lora_([AB])\.weight|lora_(magnitude)_vector)$/.exec(name);
  return found === null ? undefined : { layer: found[1], part: (found[2] ?? found[3]) as LoraPart };
}

/** Where a LoRA stands and how it is computed. */
export interface LoraPlacement extends LoraSize {
  /** Whether a linear layer (the weight's name without `.weight`) gets a LoRA. */
  readonly targets: (layer: string) => boolean;
  /** See `ScopeOptions.lora`. */
  readonly useDora?: boolean | undefined;
  /** Modules that learn as a whole beside it, see {@link isInModule}; none if absent. */
  readonly modulesToSave?: readonly string[] | undefined;
}

const isLanguage = (name: string): boolean => name.startsWith("language_model.");

/** The target that stands for every linear layer of the language model but its output layer. */
export const allLinear = "all-linear";

/**
 * The layers that targets name: a list by the last part or parts of names in the language model (`q_proj`,
 * `self_attn.q_proj`), `all-linear`, or, as PEFT reads any other string, a regular expression that fits a whole name.
 *
 * @throws RangeError where the expression is a lone word, which fits no whole name, or where JavaScript and Python do not read
 *   it alike
 */
export function loraTargets(targets: string | readonly string[]): LoraPlacement["targets"] {
  if (typeof targets !== "string") return languageTargets(targets);
  if (targets === allLinear) return isLanguage;
  const pattern = targetPattern(targets);
  return (layer) => pattern.test(layer);
}

/** JavaScript's own: named groups, named references and properties, code points, empty and full sets, escaped controls. */
const unknownToPython = /\(\?<(?![=!])|\\[kpPc]|\\u\{|\[\^?\]/;

function targetPattern(source: string): RegExp {
  if (/^\w+$/.test(source)) {
    throw new RangeError(
      `lora.targets: must be a list of the last parts of layers' names, ${allLinear}, or a regular expression for whole names, got ${source.slice(0, 60)}; as a list: [${source.slice(0, 60)}]`,
    );
  }
  const problem = "lora.targets: must be a regular expression that JavaScript and Python read alike";
  if (unknownToPython.test(source)) throw new RangeError(`${problem}, got ${source.slice(0, 60)}`);
  try {
    // With this flag an escape that means something in Python alone (\A, \Z) is an error.
    return new RegExp(`^(?:${source})$`, "u");
  } catch (cause) {
    throw new RangeError(`${problem}, got ${source.slice(0, 60)}`, { cause });
  }
}

/**
 * The layers of the language model that targets name: by the last part or parts of their names, such as `q_proj` or
 * `self_attn.q_proj`.
 */
export function languageTargets(names: readonly string[]): LoraPlacement["targets"] {
  return (layer) => isLanguage(layer) && names.some((name) => layer.endsWith(`.${name}`));
}

/** The released rank and scale, on the layers that the language model's family names. */
export function releasedLora(language: Pick<LanguageConfig, "family">): LoraPlacement {
  return { rank: 8, alpha: 32, targets: languageTargets(familyOf(language).loraTargets) };
}

/**
 * Whether a parameter lies in a module of this name, as PEFT's `modules_to_save` means it: the end of the module's name, also
 * in the middle of a part (`norm` is also every `input_layernorm`).
 */
export const isInModule = (parameter: string, module: string): boolean => parameter.includes(`${module}.`);
