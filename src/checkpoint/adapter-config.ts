import { z } from "zod";
import { CheckpointError } from "./errors.ts";

/** What a LoRA's matrices mean: the weight becomes `W + alpha / rank · B · A`. */
export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  /** Share of the LoRA's inputs dropped while training. */
  readonly dropout: number;
  /** Module names (the last part), or a regular expression over whole names, as PEFT reads them. */
  readonly targetModules: string | readonly string[];
}

const falsy = z.union([z.literal(false), z.null()]).optional();
const emptyObject = z.record(z.string(), z.unknown()).refine((value) => Object.keys(value).length === 0, {
  message: "must be empty",
});

// Settings of PEFT that would change the meaning of the matrices must be off.
const schema = z.object({
  peft_type: z.literal("LORA"),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.union([z.string(), z.array(z.string())]),
  bias: z.literal("none").default("none"),
  fan_in_fan_out: falsy,
  use_rslora: falsy,
  use_dora: falsy,
  use_qalora: falsy,
  use_bdlora: falsy,
  lora_bias: falsy,
  rank_pattern: emptyObject.nullish(),
  alpha_pattern: emptyObject.nullish(),
  layer_replication: z.null().optional(),
});

/** Reads `adapter_config.json`; the error names every field that is wrong or not supported. */
export function parseAdapterConfig(json: unknown, where: string): LoraSettings {
  const result = schema.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map(
      (issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`,
    );
    throw new CheckpointError(
      where,
      "must describe a plain LoRA",
      problems,
      "Merge the adapter with the tool that wrote it and load the merged model.",
    );
  }
  const { r, lora_alpha, lora_dropout, target_modules } = result.data;
  return { rank: r, alpha: lora_alpha, dropout: lora_dropout, targetModules: target_modules };
}

/** The content of `adapter_config.json`, with the fields that PEFT needs to load it. */
export function publishedAdapterConfig(settings: LoraSettings, baseModel?: string): Record<string, unknown> {
  return {
    auto_mapping: {
      base_model_class: "MplugOwlForConditionalGeneration",
      parent_library: "mplug_owl.modeling_mplug_owl",
    },
    base_model_name_or_path: baseModel ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: settings.alpha,
    lora_dropout: settings.dropout,
    modules_to_save: null,
    peft_type: "LORA",
    r: settings.rank,
    target_modules: settings.targetModules,
    task_type: null,
  };
}
