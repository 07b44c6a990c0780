import { JsonSchemaError } from "./error.ts";
import {
  formats,
  type Keywords,
  keywordsOfType,
  readKeywords,
  type TypeName,
  typeNames,
} from "./keywords.ts";

/** Values of one kind that a schema allows. */
export type SchemaShape = LiteralShape | StringShape | NumberShape | ArrayShape | ObjectShape;

export interface LiteralShape {
  readonly kind: "literal";
  readonly value: unknown;
}

export interface StringShape {
  readonly kind: "string";
  /** Characters (code points). */
  readonly minimum: number;
  readonly maximum: number;
  /** Regular expressions that are all found in it. */
  readonly patterns: readonly string[];
  /** Where the schema says so. */
  readonly path: string;
}

export interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}

export interface NumberShape {
  readonly kind: "number";
  readonly integer: boolean;
  readonly lower: readonly Bound[];
  readonly upper: readonly Bound[];
}

export interface ArrayShape {
  readonly kind: "array";
  readonly first: readonly Schema[];
  /** What the items after the first ones are. */
  readonly rest: Schema;
  readonly minimum: number;
  readonly maximum: number;
}

export interface Property {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

export interface ObjectShape {
  readonly kind: "object";
  /** In the order in which they are written. */
  readonly properties: readonly Property[];
  /** What properties of other names are, where they are written. */
  readonly additional: Schema | undefined;
  /** Whether the schema forbids properties of other names (it may allow some that are never written). */
  readonly closed: boolean;
}

/** A schema that was read: values of its own shapes, and those of other schemas. */
export interface Schema {
  readonly shapes: SchemaShape[];
  readonly branches: Schema[];
  /** Whether exactly one of the branches may hold (`oneOf`). */
  readonly isOneOf: boolean;
  /** Whether it names no type: values of types that its keywords do not speak of fit it, but are never written. */
  readonly untyped: boolean;
  readonly path: string;
}

/** All shapes of a schema, its references followed. */
export function shapesOf(schema: Schema, seen: Set<Schema> = new Set()): SchemaShape[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  return [...schema.shapes, ...schema.branches.flatMap((other) => shapesOf(other, seen))];
}

const maxDepth = 64;
const maxSchemas = 5_000;

/** Keywords that each say the whole of a schema. */
const wholes = ["$ref", "enum", "const", "anyOf", "oneOf", "allOf"] as const;

/** Reads a schema and whatever it refers to. */
class SchemaReader {
  readonly problems: string[] = [];
  readonly #document: unknown;
  readonly #byPointer = new Map<string, Schema>();
  #count = 0;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** @param path a JSON pointer, which begins with # */
  read(node: unknown, path: string, depth = 0): Schema {
    const empty = newSchema(path);
    if (node === false) return empty;
    if (node === true) return anything(path);
    if (typeof node !== "object" || node === null || Array.isArray(node)) {
      return this.#refuse(empty, `must be an object or a boolean, got ${JSON.stringify(node)?.slice(0, 80)}`);
    }
    if (depth > maxDepth) return this.#refuse(empty, `must be at most ${maxDepth} schemas deep`);
    if (++this.#count > maxSchemas) {
      if (this.#count > maxSchemas + 1) return empty;
      return this.#refuse(empty, `must hold at most ${maxSchemas} schemas`);
    }
    const { keywords, problems } = readKeywords(node);
    this.problems.push(...problems.map((problem) => `${path}: ${problem}`));
    if (problems.length > 0) return empty;
    const whole = wholes.filter((name) => name in keywords);
    if (whole.length > 0) return this.#readWhole(keywords, whole, path, depth);
    const untyped = keywords.type === undefined && spokenTypes(keywords).length > 0;
    return { ...empty, shapes: this.#readTypes(keywords, path, depth), untyped };
  }

  #refuse(schema: Schema, problem: string): Schema {
    this.problems.push(`${schema.path}: ${problem}`);
    return schema;
  }

  #readWhole(
    keywords: Keywords,
    [name, ...more]: readonly (typeof wholes)[number][],
    path: string,
    depth: number,
  ): Schema {
    const typed = name === "enum" || name === "const";
    const beside = [
      ...more,
      ...Object.values(keywordsOfType).flat(),
      ...(typed ? [] : ["type" as const]),
    ].filter((other) => other in keywords);
    if (beside.length > 0) {
      return this.#refuse(newSchema(path), `${name} must stand alone, got ${beside.join(", ")} beside it`);
    }
    if (typed) {
      const values = name === "enum" ? keywords.enum! : [keywords.const];
      const types = typesOf(keywords);
      const kept = values.filter((value) => types.some((type) => isOfType(value, type)));
      return newSchema(
        path,
        kept.map((value) => ({ kind: "literal", value })),
      );
    }
    if (name === "$ref") return newSchema(path, [], [this.#follow(keywords.$ref!, path)]);
    const others = keywords[name]!.map((node, i) => this.read(node, `${path}/${name}/${i}`, depth + 1));
    return newSchema(path, [], others, name === "oneOf");
  }

  /** The schema that a reference names; the same one for the same pointer, so that it may refer to itself. */
  #follow(reference: string, path: string): Schema {
    const known = this.#byPointer.get(reference);
    if (known !== undefined) return known;
    const target = pointed(this.#document, reference);
    const schema = newSchema(reference);
    this.#byPointer.set(reference, schema);
    if (target === undefined) {
      return this.#refuse(
        newSchema(path),
        `$ref must be a JSON pointer into this schema (#/$defs/name), got ${JSON.stringify(reference)}`,
      );
    }
    schema.branches.push(this.read(target.node, reference));
    return schema;
  }

  #readTypes(keywords: Keywords, path: string, depth: number): SchemaShape[] {
    return typesOf(keywords).flatMap((type) => this.#readType(type, keywords, path, depth));
  }

  #readType(type: TypeName, keywords: Keywords, path: string, depth: number): SchemaShape | SchemaShape[] {
    switch (type) {
      case "null":
        return { kind: "literal", value: null };
      case "boolean":
        return [true, false].map((value) => ({ kind: "literal", value }));
      case "string":
        return stringShape(keywords, path);
      case "integer":
      case "number":
        return numberShape(keywords, type === "integer");
      case "array":
        return this.#arrayShape(keywords, path, depth);
      case "object":
        return this.#objectShape(keywords, path, depth);
    }
  }

  #arrayShape(keywords: Keywords, path: string, depth: number): ArrayShape {
    const { prefixItems = [], items = true, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = keywords;
    return {
      kind: "array",
      first: prefixItems.map((node, i) => this.read(node, `${path}/prefixItems/${i}`, depth + 1)),
      rest: this.read(items, `${path}/items`, depth + 1),
      minimum: minItems,
      maximum: maxItems,
    };
  }

  #objectShape(keywords: Keywords, path: string, depth: number): ObjectShape {
    const { properties = {}, required = [], additionalProperties } = keywords;
    // Where a schema names properties and allows others, the others are never written.
    const open = additionalProperties ?? Object.keys(properties).length === 0;
    const additional =
      open === false ? undefined : this.read(open, `${path}/additionalProperties`, depth + 1);
    const other = additionalProperties === undefined ? anything(path) : (additional ?? newSchema(path));
    const unnamed = [...new Set(required)].filter((name) => !Object.hasOwn(properties, name));
    return {
      kind: "object",
      properties: [
        ...Object.entries(properties).map(([name, node]) => ({
          name,
          schema: this.read(node, `${path}/properties/${name}`, depth + 1),
          required: required.includes(name),
        })),
        ...unnamed.map((name) => ({ name, schema: other, required: true })),
      ],
      additional,
      closed: additionalProperties === false,
    };
  }
}

/**
 * What a JSON schema (draft 2020-12) allows.
 * @throws JsonSchemaError naming everything in it that is not supported
 */
export function readSchema(document: unknown): Schema {
  const reader = new SchemaReader(document);
  const schema = reader.read(document, "#");
  if (reader.problems.length > 0) throw new JsonSchemaError([...new Set(reader.problems)]);
  return schema;
}

function newSchema(
  path: string,
  shapes: SchemaShape[] = [],
  branches: Schema[] = [],
  isOneOf = false,
): Schema {
  return { path, shapes, branches, isOneOf, untyped: false };
}

/** Any JSON value. */
function anything(path: string): Schema {
  const schema = newSchema(path);
  const many = { minimum: 0, maximum: Number.POSITIVE_INFINITY };
  schema.shapes.push(
    { kind: "object", properties: [], additional: schema, closed: false },
    { kind: "array", first: [], rest: schema, ...many },
    { kind: "string", ...many, patterns: [], path },
    { kind: "number", integer: false, lower: [], upper: [] },
    ...[true, false, null].map((value): SchemaShape => ({ kind: "literal", value })),
  );
  return schema;
}

/** The types that a schema names, or else those its keywords speak of, or else all. */
function typesOf(keywords: Keywords): TypeName[] {
  if (keywords.type !== undefined) return [...new Set([keywords.type].flat())];
  const spoken = spokenTypes(keywords);
  return spoken.length > 0 ? spoken : typeNames.filter((name) => name !== "integer");
}

function spokenTypes(keywords: Keywords): TypeName[] {
  return typeNames.filter((type) => keywordsOfType[type]?.some((name) => name in keywords));
}

function isOfType(value: unknown, type: TypeName): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return typeof value === type && value !== null && !Array.isArray(value);
}

function stringShape(keywords: Keywords, path: string): StringShape {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = keywords;
  const patterns = [pattern, format && formats[format]].filter((one) => one !== undefined);
  return { kind: "string", minimum: minLength, maximum: maxLength, patterns, path };
}

function numberShape(keywords: Keywords, integer: boolean): NumberShape {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = keywords;
  const bounds = (inclusive: number | undefined, exclusive: number | undefined): Bound[] => [
    ...(inclusive === undefined ? [] : [{ value: inclusive, exclusive: false }]),
    ...(exclusive === undefined ? [] : [{ value: exclusive, exclusive: true }]),
  ];
  return {
    kind: "number",
    integer,
    lower: bounds(minimum, exclusiveMinimum),
    upper: bounds(maximum, exclusiveMaximum),
  };
}

/** What a JSON pointer in a URI fragment points at. */
function pointed(document: unknown, reference: string): { node: unknown } | undefined {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let node = document;
  for (const part of reference.split("/").slice(1)) {
    const key = decoded(part)?.replaceAll("~1", "/").replaceAll("~0", "~");
    if (key === undefined || typeof node !== "object" || node === null || !Object.hasOwn(node, key)) {
      return undefined;
    }
    node = (node as Record<string, unknown>)[key];
  }
  return { node };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
