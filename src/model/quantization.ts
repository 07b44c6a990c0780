import { z } from "zod";
import {
  isRowFormat,
  type QuantizedFormat,
  type RowFormat,
  rootScope,
  type Scope,
  type ScopeOptions,
  type WeightFormat,
} from "../tensor/index.ts";
import type { OnProblem } from "./config-reading.ts";
import { families } from "./language/families.ts";

/** Parts of the model that can be quantised, each in a format of its own. */
export const quantizedParts = ["language", "head", "embeddings", "vision"] as const;
export type QuantizedPart = (typeof quantizedParts)[number];

/** The format of each quantised part; a part that is absent is in floating point. */
export type Quantization = {
  readonly [part in QuantizedPart]?: WeightFormat;
} & {
  /** Weights that have another format than their part, by their published names; null: floating point. */
  readonly exceptions?: Readonly<Record<string, WeightFormat | null>>;
};

const blockFormatSchema = z
  .strictObject({
    bits: z.union([z.literal(4), z.literal(8)]),
    block_size: z.union([16, 32, 64, 128, 256].map((size) => z.literal(size))),
    zero_points: z.boolean().default(false),
    offsets: z.boolean().default(false),
    activations: z.enum(["float32", "int8"]).default("int8"),
  })
  .transform(
    ({ bits, block_size, zero_points, offsets, activations }): QuantizedFormat => ({
      bits,
      blockSize: block_size,
      zeroPoints: zero_points,
      ...(offsets && { offsets }),
      activations,
    }),
  );

const rowFormatSchema = z
  .strictObject({
    bits: z.literal(8),
    block_size: z.literal("row"),
    zero_points: z.literal(false).default(false),
    activations: z.enum(["float32", "int8"]).default("int8"),
  })
  .transform(
    ({ bits, block_size, activations }): RowFormat => ({ bits, blockSize: block_size, activations }),
  );

const formatSchema = z.discriminatedUnion("block_size", [rowFormatSchema, blockFormatSchema]);

/** The section `quantization` of a config.json. */
export const quantizationSchema = z
  .strictObject({
    language: formatSchema.optional(),
    head: formatSchema.optional(),
    embeddings: formatSchema
      .refine(
        (format) => isRowFormat(format) || (format.bits === 8 && !format.zeroPoints),
        "must have 8 bits and no zero points",
      )
      .optional(),
    vision: formatSchema.optional(),
    exceptions: z.record(z.string(), formatSchema.nullable()).optional(),
  })
  .transform((parts) => {
    const known = Object.entries(parts).filter(([, format]) => format !== undefined);
    return Object.fromEntries(known) as Quantization;
  });

/**
 * Reads the section `quantization` of a config.json.
 *
 * @param onProblem is told every key that is wrong
 * @returns undefined where there is none
 */
export function readQuantization(section: unknown, onProblem: OnProblem): Quantization | undefined {
  const { data, error } = quantizationSchema.optional().safeParse(section);
  for (const { path, message } of error?.issues ?? []) {
    onProblem(["quantization", ...path].join("."), message);
  }
  return data;
}

/** The section that {@link quantizationSchema} reads. */
export function quantizationJson(quantization: Quantization): Record<string, unknown> {
  const { exceptions, ...parts } = quantization;
  const inEach = (formats: Readonly<Record<string, WeightFormat | null>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, format && formatJson(format)]));
  return { ...inEach(parts), ...(exceptions && { exceptions: inEach(exceptions) }) };
}

function formatJson(format: WeightFormat) {
  const { bits, blockSize, activations } = format;
  if (isRowFormat(format)) return { bits, block_size: blockSize, activations };
  const { zeroPoints, offsets } = format;
  return { bits, block_size: blockSize, zero_points: zeroPoints, ...(offsets && { offsets }), activations };
}

/** The same formats, in which products take activations so. */
export function withActivations(
  { exceptions, ...parts }: Quantization,
  activations: WeightFormat["activations"],
): Quantization {
  const changed = <Format extends WeightFormat | null>(formats: Readonly<Record<string, Format>>) =>
    Object.fromEntries(
      Object.entries(formats).map(([name, format]) => [name, format && { ...format, activations }]),
    );
  return { ...changed(parts), ...(exceptions && { exceptions: changed(exceptions) }) };
}

/** The format of a weight by its published name; undefined where it is in floating point. */
export function quantizedFormat(
  { exceptions = {}, ...parts }: Quantization,
  name: string,
): WeightFormat | undefined {
  if (Object.hasOwn(exceptions, name)) return exceptions[name] ?? undefined;
  return parts[quantizedPart(name)];
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
    quantized: (name) => (isFloating(name) ? undefined : quantizedFormat(quantization, name)),
  });
}
