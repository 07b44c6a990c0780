import { z } from "zod";

/** The types of JSON schema. */
export const typeNames = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type TypeName = (typeof typeNames)[number];

/**
 * `format`s as patterns. Each is a part of what its specification allows, so that every validator agrees: days to the
 * 28th, no leap seconds, mail addresses and host names in ASCII.
 */
export const formats = {
  date: String.raw`^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])$`,
  time: String.raw`^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d)$`,
  "date-time": String.raw`^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d)$`,
  email: String.raw`^[a-z0-9_-]{1,20}(\.[a-z0-9_-]{1,20}){0,2}@[a-z0-9]{1,20}(-[a-z0-9]{1,20})?(\.[a-z]{2,10}){1,2}$`,
  hostname: String.raw`^[a-z0-9]{1,20}(-[a-z0-9]{1,20})?(\.[a-z]{2,10}){1,3}$`,
  ipv4: String.raw`^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$`,
  uri: String.raw`^https?://[a-z0-9]{1,20}(-[a-z0-9]{1,20})?(\.[a-z]{2,10}){1,3}(/[A-Za-z0-9_.-]{0,40}){0,5}$`,
  uuid: `^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
} as const;

/** Longest array and, beside a pattern, longest string that a schema may ask for: its places are counted one by one. */
export const maxPlaces = 10_000;

const typeName = z.enum(typeNames);
const count = z.int().min(0);
const places = count.max(maxPlaces);
const schemas = z.array(z.unknown()).min(1);
const annotation = z.unknown();

/** What each keyword's value must be; a keyword that is not here is not supported. */
const keywordValues = z.strictObject({
  type: z.union([typeName, z.array(typeName).min(1)]),
  enum: z.array(z.unknown()).min(1),
  const: z.unknown(),
  $ref: z.string(),
  anyOf: schemas,
  oneOf: schemas,
  allOf: schemas.max(1, "of several schemas"),
  properties: z.record(z.string(), z.unknown()),
  required: z.array(z.string()),
  additionalProperties: z.unknown(),
  items: z.unknown(),
  prefixItems: z.array(z.unknown()).max(maxPlaces),
  minItems: places,
  maxItems: places,
  uniqueItems: z.literal(false),
  minLength: count,
  maxLength: count,
  pattern: z.string(),
  format: z.enum(Object.keys(formats) as (keyof typeof formats)[]),
  minimum: z.number(),
  maximum: z.number(),
  exclusiveMinimum: z.number(),
  exclusiveMaximum: z.number(),
  // What says nothing about the value.
  $schema: annotation,
  $id: annotation,
  $comment: annotation,
  $defs: annotation,
  definitions: annotation,
  title: annotation,
  description: annotation,
  default: annotation,
  example: annotation,
  examples: annotation,
  deprecated: annotation,
  readOnly: annotation,
  writeOnly: annotation,
  contentEncoding: annotation,
  contentMediaType: annotation,
  discriminator: annotation,
});

const partialKeywords = keywordValues.partial();
export type Keywords = z.infer<typeof partialKeywords>;

/** Keywords that say something about values of one type. */
export const keywordsOfType: Readonly<Record<string, readonly (keyof Keywords)[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
};

/** The keywords of one schema, or what is wrong with them. */
export function readKeywords(node: object): { keywords: Keywords; problems: string[] } {
  const known = Object.fromEntries(Object.entries(node).filter(([name]) => !name.startsWith("x-")));
  const read = partialKeywords.safeParse(known);
  if (read.success) return { keywords: read.data, problems: [] };
  const problems = read.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `the keyword ${JSON.stringify(key)} is not supported`)
      : [problemWith(issue.path.map(String), node, issue.message)],
  );
  return { keywords: {}, problems };
}

function problemWith(path: readonly string[], node: object, message: string): string {
  const [keyword] = path;
  const got = JSON.stringify((node as Record<string, unknown>)[keyword])?.slice(0, 80);
  return `${path.join("/")} ${got}: ${message}`;
}
