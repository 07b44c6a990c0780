import { z } from "zod";
import { type Preprocessor, problemsOf, shown, withoutNulls } from "./preprocessor-file.ts";
import { ImageError } from "./read-image.ts";
import type { Resample } from "./resize.ts";

/** The ways to resize in the order of Pillow's numbers. */
const resamples: readonly Resample[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

const pixels = z.number().int().positive();
const isSquare = { message: "must be a square" };
const square = z.union([
  z
    .object({ height: pixels, width: pixels })
    .refine(({ height, width }) => height === width, isSquare)
    .transform(({ height }) => ({ side: height })),
  z
    .tuple([pixels, pixels])
    .refine(([height, width]) => height === width, isSquare)
    .transform(([side]) => ({ side })),
]);
const edge = z
  .strictObject({ shortest_edge: pixels })
  .transform(({ shortest_edge }) => ({ edge: shortest_edge }));
const lone = pixels.transform((number) => ({ number }));
const positive = z.number().positive();
const ofChannels = (each: z.ZodNumber) => {
  const triple = z.tuple([each, each, each]);
  return z.union([triple, each.transform((value): z.infer<typeof triple> => [value, value, value])]);
};

const schema = z.object({
  size: z.union([lone, square, edge]),
  crop_size: z.union([pixels.transform((side) => ({ side })), square]).optional(),
  image_mean: ofChannels(z.number()),
  image_std: ofChannels(positive),
  resample: z.number().int().min(0).max(5),
  rescale_factor: positive.default(1 / 255),
  do_resize: z.literal(true).default(true),
  do_rescale: z.boolean().default(true),
  do_normalize: z.boolean().default(true),
  do_center_crop: z.boolean().default(false),
  // Pictures are cut to a grid of squares, and seen whole as well (mPLUG-Owl3).
  cut_enable: z.boolean().default(false),
  // Pictures have three colours here whatever is asked.
  do_convert_rgb: z.boolean().optional(),
});

type Content = z.infer<typeof schema>;

const clipColours = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const evenColours = { image_mean: 0.5, image_std: 0.5 };
const imagenetColours = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const squeezes = { size: { height: 224, width: 224 } };
const cuts = { size: { shortest_edge: 224 }, crop_size: 224, do_center_crop: true };

/** A published class of image processors. */
interface Kind {
  /** What its files leave out. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** What a lone number of `size` means. */
  readonly oneNumber: "edge" | "side";
  readonly resizesNumbers?: boolean;
}

const clipKind: Kind = { defaults: { ...cuts, ...clipColours, resample: 3 }, oneNumber: "edge" };
const kinds: Readonly<Record<string, Kind>> = {
  CLIP: clipKind,
  ChineseCLIP: clipKind,
  Bit: clipKind,
  Siglip: { defaults: { ...squeezes, ...evenColours, resample: 3 }, oneNumber: "edge" },
  Gemma3: { defaults: { ...squeezes, ...evenColours, resample: 2 }, oneNumber: "side" },
  ViT: { defaults: { ...squeezes, ...evenColours, resample: 2 }, oneNumber: "side" },
  // No published directory has such a file: what the code of mPLUG-Owl3 does.
  mPLUGOwl3: { defaults: { ...evenColours, resample: 3 }, oneNumber: "side" },
  DINOv3ViT: {
    defaults: { ...squeezes, ...imagenetColours, resample: 2 },
    oneNumber: "side",
    resizesNumbers: true,
  },
};

/** The class of a file: "CLIP" for CLIPImageProcessor, CLIPImageProcessorFast, CLIPFeatureExtractor and their like. */
function kindName(json: Readonly<Record<string, unknown>>): string | undefined {
  const type = json.image_processor_type ?? json.feature_extractor_type;
  return typeof type === "string"
    ? type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, "")
    : undefined;
}

/** Steps that change pixels and are not computed here. */
function unsupportedSteps(json: Readonly<Record<string, unknown>>): string[] {
  const changing = /^(do_|offset$|crop_pct$|use_square_size$)/;
  const asked = Object.entries(json).filter(
    ([key, value]) => changing.test(key) && !(key in schema.shape) && value !== false,
  );
  return asked.map(([key, value]) => `${key}: not supported here, got ${shown(value)}`);
}

/**
 * Reads a `preprocessor_config.json` as transformers does: what the file leaves out is as its class of image processors
 * has it.
 *
 * @param json content of the file, undefined where there is none
 * @param fallback the content for a tower that comes without a file; its class is that of files that name none
 * @throws ImageError naming every field that is wrong or asks for what is not computed
 */
export function statedPreprocessor(
  json: unknown,
  where: string,
  fallback: Readonly<Record<string, unknown>> = {},
): Preprocessor {
  const content = json === undefined ? fallback : withoutNulls(json);
  const name = kindName(content ?? {}) ?? kindName(fallback) ?? "CLIP";
  if (content === undefined || !Object.hasOwn(kinds, name)) {
    const known = Object.keys(kinds).map((kind) => `${kind}ImageProcessor`);
    const got = content === undefined ? shown(json) : shown(content.image_processor_type ?? name);
    throw new ImageError(`${where}: image_processor_type must be one of ${known.join(", ")}, got ${got}`);
  }
  const kind = kinds[name];
  const whole = {
    ...kind.defaults,
    ...(content.image_size !== undefined && { size: content.image_size }),
    ...content,
  };
  const { data, error } = schema.safeParse(whole);
  const problems = [...unsupportedSteps(content), ...problemsOf(error, whole)];
  if (data !== undefined) problems.push(...contradictions(data, kind));
  const read = data && preprocessorOf(data, kind);
  if (read !== undefined && content.fit !== undefined && content.fit !== read.fit) {
    problems.push(`fit: must be "${read.fit}" as size says, got ${shown(content.fit)}`);
  }
  if (read !== undefined && problems.length === 0) return read;
  throw new ImageError(
    `${where}: must describe preprocessing that is computed here, got\n  - ${problems.join("\n  - ")}`,
  );
}

interface Resizing {
  readonly fit: "squeeze" | "crop";
  readonly edge: number;
}

/** What becomes of the two sides, or of the shorter one. */
function resizing({ size }: Content, { oneNumber }: Kind): Resizing {
  if ("side" in size) return { fit: "squeeze", edge: size.side };
  if ("edge" in size) return { fit: "crop", edge: size.edge };
  return { fit: oneNumber === "side" ? "squeeze" : "crop", edge: size.number };
}

function contradictions(content: Content, kind: Kind): string[] {
  const { fit } = resizing(content, kind);
  const problems: string[] = [];
  const isCut = content.do_center_crop && content.crop_size !== undefined;
  if (fit === "crop" && !isCut) {
    problems.push(
      `size: must make pictures square, got ${shown(content.size)} without do_center_crop and crop_size`,
    );
  }
  if (content.do_center_crop && content.crop_size === undefined) {
    problems.push("crop_size: must be there with do_center_crop, got nothing");
  }
  if (kind.resizesNumbers && (!content.do_rescale || ![2, 3].includes(content.resample))) {
    problems.push(
      `resample: must be 2 or 3, with do_rescale, for a processor that resizes numbers, got ${content.resample}`,
    );
  }
  return problems;
}

function preprocessorOf(content: Content, kind: Kind): Preprocessor {
  const { fit, edge } = resizing(content, kind);
  const size = (content.do_center_crop ? content.crop_size?.side : undefined) ?? edge;
  const rescale = content.do_rescale ? content.rescale_factor : 1;
  return {
    size,
    mean: content.do_normalize ? content.image_mean : [0, 0, 0],
    std: content.do_normalize ? content.image_std : [1, 1, 1],
    fit,
    resample: resamples[content.resample],
    ...(edge !== size && { edge }),
    ...(content.cut_enable && { cuts: true }),
    ...(rescale !== 1 / 255 && { rescale }),
    ...(kind.resizesNumbers && { resizesNumbers: true }),
  };
}

/** The key `fit` of a file that is taken at its word; undefined where it has none. */
export function statedFit(json: unknown): unknown {
  return withoutNulls(json)?.fit;
}

/** The content of a file that {@link statedPreprocessor} reads, and transformers too; every setting stands in it. */
export function withStatedFit(preprocessor: Preprocessor): Record<string, unknown> {
  const { size, mean, std, fit = "squeeze", resample = "bicubic", edge = size } = preprocessor;
  const { rescale = 1 / 255, resizesNumbers = false, cuts } = preprocessor;
  return {
    crop_size: { height: size, width: size },
    do_center_crop: fit === "crop" || edge !== size,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    fit,
    image_mean: mean,
    image_processor_type: resizesNumbers ? "DINOv3ViTImageProcessor" : "CLIPImageProcessor",
    image_std: std,
    ...(cuts !== undefined && { cut_enable: cuts }),
    resample: resamples.indexOf(resample),
    rescale_factor: rescale,
    size: fit === "crop" ? { shortest_edge: edge } : { height: edge, width: edge },
  };
}

/** The same preprocessing for pictures of another size, of which as much is seen. */
export function preprocessorOfSize(preprocessor: Preprocessor, size: number): Preprocessor {
  const { edge } = preprocessor;
  if (edge === undefined) return { ...preprocessor, size };
  const scaled = Math.round((edge * size) / preprocessor.size);
  const { edge: _, ...same } = preprocessor;
  return { ...same, size, ...(scaled !== size && { edge: scaled }) };
}
