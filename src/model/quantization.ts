import { z } from "zod";
import { type QuantizedFormat, rootScope, type Scope, type ScopeOptions } from "../tensor/index.ts";
import { families } from "./language/families.ts";

/** Parts of the model that can be quantised, each in a format of its own. */
export const quantizedParts = ["language", "head", "embeddings", "vision"] as const;
export type QuantizedPart = (typeof quantizedParts)[number];

/** The format of each quantised part; a part that is absent is in floating point. */
export type Quantization = { readonly [part in QuantizedPart]?: QuantizedFormat };

const formatSchema = z
  .strictObject({
    bits: z.union([z.literal(4), z.literal(8)]),
    block_size: z.union([16, 32, 64, 128, 256].map((size) => z.literal(size))),
    zero_points: z.boolean().default(false),
    activations: z.enum(["float32", "int8"]).default("int8"),
  })
  .transform(
    ({ bits, block_size, zero_points, activations }): QuantizedFormat => ({
      bits,
      blockSize: block_size,
      zeroPoints: zero_points,
      activations,
    }),
  );

/** The section `quantization` of a config.json. */
export const quantizationSchema = z
  .strictObject({
    language: formatSchema.optional(),
    head: formatSchema.optional(),
    embeddings: formatSchema
      .refine(({ bits, zeroPoints }) => bits === 8 && !zeroPoints, "must have 8 bits and no zero points")
      .optional(),
    vision: formatSchema.optional(),
  })
  .transform((parts) => {
    const known = Object.entries(parts).filter(([, format]) => format !== undefined);
    return Object.fromEntries(known) as Quantization;
  });

/** The section that {@link quantizationSchema} reads. */
export function quantizationJson(quantization: Quantization): Record<string, unknown> {
  const section = ({ bits, blockSize, zeroPoints, activations }: QuantizedFormat) => ({
    bits,
    block_size: blockSize,
    zero_points: zeroPoints,
    activations,
  });
  return Object.fromEntries(Object.entries(quantization).map(([part, format]) => [part, section(format)]));
}

/** The part that a weight belongs to, by its published name. */
export function quantizedPart(name: string): QuantizedPart {
  if (!name.startsWith("language_model.")) return "vision";
  if (name === "language_model.lm_head.weight") return "head";
  const isTable = Object.values(families).some(
    ({ names: { body, embeddings } }) => name === `language_model.${body}.${embeddings}.weight`,
  );
  return isTable ? "embeddings" : "language";
}

/**
 * A new root scope whose weights are quantised as the config says.
 *
 * @param isFloating which weights are in floating point nevertheless, by their names; none if absent
 */
export function modelScope(
  config: { readonly quantization?: Quantization | undefined },
  options: ScopeOptions = {},
  isFloating: (name: string) => boolean = () => false,
): Scope {
  const { quantization } = config;
  if (quantization === undefined) return rootScope(options);
  return rootScope({
    ...options,
    quantized: (name) => (isFloating(name) ? undefined : quantization[quantizedPart(name)]),
  });
}
