import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, requireMultiple } from "../config-reading.ts";
import type { AbstractorConfig } from "../owl-config.ts";
import type { SectionSizes } from "../sizes-from-tensors.ts";
import { towerNamed } from "../vision/towers.ts";

// What the readers of all generations' config.json share.

/** A section that a reader of its own reads. */
export const section = z.record(z.string(), z.unknown());

/** A section of a file; undefined where it is none. */
export function sectionOf(json: unknown, key: string): Record<string, unknown> | undefined {
  return section.safeParse(Object(json)[key]).data;
}

/** A reporter of problems within a section. */
export function inside(problems: string[], name: string): OnProblem {
  return (key, problem) => problems.push(`${name}.${key}: ${problem}`);
}

/** The sizes of an abstractor, with the published class's default for the width inside its MLP, which differs. */
export const abstractorSchema = (intermediate: number) =>
  z.object({
    hidden_size: upTo("size").default(1024),
    encoder_hidden_size: upTo("size").optional(),
    num_hidden_layers: upTo("layers").default(6),
    num_attention_heads: upTo("heads").default(16),
    intermediate_size: upTo("size").default(intermediate),
    layer_norm_eps: z.number().positive().default(1e-6),
    initializer_range: initializerRange,
  });

export type AbstractorJson = z.infer<ReturnType<typeof abstractorSchema>>;

/**
 * Checks an abstractor's sizes against each other and the tower's.
 *
 * @param vision the section of the tower, and its width
 */
export function checkAbstractor(
  abstractor: AbstractorJson,
  vision: { readonly section: string; readonly hidden: number },
  onProblem: OnProblem,
): void {
  const equalsVision = (key: string, size: number): void => {
    if (size !== vision.hidden) {
      onProblem(key, `must equal ${vision.section}.hidden_size (${vision.hidden}), got ${size}`);
    }
  };
  const { hidden_size, encoder_hidden_size, num_attention_heads: heads } = abstractor;
  requireMultiple(onProblem, "hidden_size", hidden_size, "num_attention_heads", heads);
  equalsVision("hidden_size", hidden_size);
  if (encoder_hidden_size !== undefined) equalsVision("encoder_hidden_size", encoder_hidden_size);
}

/** @param intermediate width inside the MLP */
export function abstractorFrom(
  json: AbstractorJson,
  intermediate = json.intermediate_size,
): AbstractorConfig {
  return {
    hidden: json.hidden_size,
    layers: json.num_hidden_layers,
    heads: json.num_attention_heads,
    intermediate,
    epsilon: json.layer_norm_eps,
    initializerRange: json.initializer_range,
  };
}

/**
 * @param visionHidden width of the vision encoder's states
 * @param intermediate width inside the MLP, as it is configured
 */
export function abstractorJson(
  abstractor: AbstractorConfig,
  visionHidden: number,
  intermediate = abstractor.intermediate,
): Record<string, unknown> {
  return {
    model_type: "mplug_owl_visual_abstract",
    hidden_size: abstractor.hidden,
    encoder_hidden_size: visionHidden,
    num_hidden_layers: abstractor.layers,
    num_attention_heads: abstractor.heads,
    intermediate_size: intermediate,
    layer_norm_eps: abstractor.epsilon,
    initializer_range: abstractor.initializerRange,
  };
}

/** Sizes of an abstractor that tensors show. */
export const abstractorSizes: SectionSizes["sizes"] = [
  { key: "hidden_size", tensor: "query_tokens", axis: 2 },
  {
    key: "intermediate_size",
    tensor: "abstractor.encoder.layers.0.crossattention.output.mlp.w1.weight",
    axis: 0,
  },
  {
    key: "num_hidden_layers",
    layer: (i) => `abstractor.encoder.layers.${i}.crossattention.norm1.weight`,
  },
];

/** Sizes of a vision tower that tensors show, for the section of this name. */
export function visionSizes(name: string, json: Record<string, unknown> | undefined): SectionSizes {
  return { section: name, prefix: "vision_model.", sizes: towerNamed(json?.model_type)?.sizes ?? [] };
}
