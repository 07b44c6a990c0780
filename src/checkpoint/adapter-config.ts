import { z } from "zod";
import { hubRepoOf } from "../model-files/index.ts";
import type { LoraSize } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";

/**
 * The hyperparameters of a LoRA (arXiv 2106.09685): a weight W becomes `V = W + loraScale · B · A`, and with `useDora`
 * `m / ‖V‖ · V` with the learned lengths m of its rows.
 */
export interface LoraConfig extends LoraSize {
  /** Dropout probability of the LoRA's inputs in training. */
  readonly dropout: number;
  /** Module names (the last part), or a regular expression over whole names, as PEFT reads them. */
  readonly targetModules: string | readonly string[];
  /** Whether the lengths of the weights' rows were learned too (DoRA, arXiv 2402.09353); not if absent. */
  readonly useDora?: boolean | undefined;
  /** Modules that were trained and saved as a whole, by the ends of their names; none if absent. */
  readonly modulesToSave?: readonly string[] | undefined;
}

/** Values of `init_lora_weights` that leave the base weights as they are; all others change these at initialisation. */
const PLAIN_STARTS: readonly unknown[] = [true, false, null, "gaussian", "eva", "orthogonal", "mica"];
const lowerCased = (start: unknown): unknown => (typeof start === "string" ? start.toLowerCase() : start);

const unsupported = (value: unknown): string =>
  `not supported here, got ${JSON.stringify(value).slice(0, 60)}`;
const error = ({ input }: { readonly input?: unknown }): string => unsupported(input);
const falsy = z.union([z.literal(false), z.null()], { error }).optional();
const plainStart = z
  .unknown()
  .optional()
  .refine((start) => start === undefined || PLAIN_STARTS.includes(lowerCased(start)), {
    error: ({ input }) =>
      `${JSON.stringify(input)} is no plain LoRA: its start changed the weights of the base model too (PEFT's save_pretrained with path_initial_model_for_weight_conversion makes it plain)`,
  });

/** Keys without effect on a trained LoRA: they concern its placement, which the tensors' names give, or its initialisation. */
const IRRELEVANT = [
  "auto_mapping",
  "corda_config",
  "eva_config",
  "exclude_modules",
  "inference_mode",
  "layers_pattern",
  "layers_to_transform",
  "lora_ga_config",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
  "task_type",
  // Only how its gradients are computed.
  "velora_config",
];

// Variants of LoRA compute something else with the same matrices, so their settings must be off.
const schema = z.looseObject({
  peft_type: z.literal("LORA"),
  base_model_name_or_path: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  bias: z.literal("none", { error }).default("none"),
  init_lora_weights: plainStart,
  fan_in_fan_out: falsy,
  use_rslora: z.boolean().nullish(),
  ensure_weight_tying: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  use_qalora: falsy,
  use_bdlora: falsy,
  lora_bias: falsy,
});

/** Unknown keys that turn something on: they may be variants that compute something else with the matrices. */
function unknownSettings(json: unknown): string[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json)
    .filter(([key, value]) => !(key in schema.shape || IRRELEVANT.includes(key) || isNeutral(value)))
    .map(([key, value]) => `${key}: ${unsupported(value)}`);
}

/** Whether a value turns its setting off. */
function isNeutral(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** The content of an `adapter_config.json`, as PEFT writes it beside an adapter. */
export interface AdapterConfig {
  readonly settings: LoraConfig;
  /** The model that the adapter was trained on, as its author named it. */
  readonly baseModel: string | undefined;
  /** Whether a head that is the table of embeddings stayed that where one of the two was trained. */
  readonly ensuresTying: boolean;
}

/** Reads `adapter_config.json`; the error names every field that is wrong or not supported. */
export function parseAdapterConfig(json: unknown, where: string): AdapterConfig {
  const result = schema.safeParse(json);
  const problems = result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
  const kind = Object(json).peft_type as unknown;
  // An adapter of another kind has other settings; that it is one is the only problem worth naming.
  if (kind !== "LORA")
    problems.splice(0, Infinity, `peft_type: must be "LORA", got ${JSON.stringify(kind)?.slice(0, 60)}`);
  else problems.unshift(...unknownSettings(json));
  if (!result.success || problems.length > 0) {
    throw new CheckpointError(
      where,
      "must describe a plain LoRA",
      problems,
      "Merge the adapter with the tool that wrote it and load the merged model.",
    );
  }
  const { r, lora_alpha, lora_dropout, target_modules, modules_to_save, ...rest } = result.data;
  return {
    settings: {
      rank: r,
      alpha: lora_alpha,
      dropout: lora_dropout,
      targetModules: target_modules ?? [],
      ...(rest.use_rslora && { useRslora: true }),
      ...(rest.use_dora && { useDora: true }),
      ...(modules_to_save && modules_to_save.length > 0 && { modulesToSave: modules_to_save }),
    },
    baseModel: rest.base_model_name_or_path || undefined,
    ensuresTying: rest.ensure_weight_tying ?? false,
  };
}

/** A LoRA's settings in words. */
export function describeLora({ rank, alpha, targetModules, useRslora, useDora }: LoraConfig): string {
  const variants = [...(useRslora ? ["rank-stabilised"] : []), ...(useDora ? ["DoRA"] : [])];
  return [`rank ${rank}`, `alpha ${alpha}`, ...variants, `on ${[targetModules].flat().join(", ")}`].join(
    ", ",
  );
}

const owlMapping = {
  base_model_class: "MplugOwlForConditionalGeneration",
  parent_library: "mplug_owl.modeling_mplug_owl",
};

/** The content of `adapter_config.json`, with the fields that PEFT needs to load it. */
export function publishedAdapterConfig(
  settings: LoraConfig,
  baseModel?: string,
  isLanguageModel = false,
): Record<string, unknown> {
  return {
    auto_mapping: isLanguageModel ? null : owlMapping,
    // Where the hub's cache lies says nothing on another machine; the repo's name does, there and to PEFT.
    base_model_name_or_path: (baseModel && hubRepoOf(baseModel)) ?? baseModel ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: settings.alpha,
    lora_dropout: settings.dropout,
    modules_to_save: settings.modulesToSave ?? null,
    peft_type: "LORA",
    r: settings.rank,
    target_modules: settings.targetModules,
    task_type: isLanguageModel ? "CAUSAL_LM" : null,
    use_dora: settings.useDora ?? false,
    use_rslora: settings.useRslora ?? false,
  };
}
