import { JsonSchemaError } from "./error.ts";
import { type ObjectShape, type Schema, type SchemaShape, shapesOf } from "./schema.ts";

/** How deep properties are compared to find objects disjoint. */
const maxDepth = 4;

/**
 * Checks that the branches of every `oneOf` are disjoint: then a value of any one branch fits exactly one.
 * @throws JsonSchemaError naming branches that could hold together
 */
export function requireDisjointOneOf(root: Schema): void {
  const problems: string[] = [];
  const seen = new Set<Schema>();
  const visit = (schema: Schema): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    if (schema.isOneOf) problems.push(...overlaps(schema));
    for (const next of [...schema.branches, ...schema.shapes.flatMap(childrenOf)]) visit(next);
  };
  visit(root);
  if (problems.length > 0) throw new JsonSchemaError(problems);
}

function childrenOf(shape: SchemaShape): Schema[] {
  if (shape.kind === "array") return [...shape.first, shape.rest];
  if (shape.kind !== "object") return [];
  const properties = shape.properties.map(({ schema }) => schema);
  return shape.additional === undefined ? properties : [...properties, shape.additional];
}

function overlaps({ branches, path }: Schema): string[] {
  const pairs = branches.flatMap((_, i) => branches.slice(0, i).map((_, k) => [k, i]));
  const problem = (k: number, i: number): string =>
    `${path}: branches ${k} and ${i} of oneOf must exclude each other by their types, by values, or by a required property with different values; use anyOf where both may hold`;
  return pairs.filter(([k, i]) => !apart(branches[k], branches[i], maxDepth)).map(([k, i]) => problem(k, i));
}

/** Whether surely no value fits both. */
function apart(a: Schema, b: Schema, depth: number): boolean {
  if (isUntyped(a) || isUntyped(b)) return false;
  return shapesOf(a).every((one) => shapesOf(b).every((other) => shapesApart(one, other, depth)));
}

function isUntyped(schema: Schema, seen: Set<Schema> = new Set()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.untyped || schema.branches.some((other) => isUntyped(other, seen));
}

function shapesApart(a: SchemaShape, b: SchemaShape, depth: number): boolean {
  if (typeOf(a) !== typeOf(b)) return true;
  if (a.kind === "literal" && b.kind === "literal") return sorted(a.value) !== sorted(b.value);
  if (a.kind !== "object" || b.kind !== "object" || depth === 0) return false;
  return lacks(a, b) || lacks(b, a) || differ(a, b, depth - 1);
}

/** Whether `b` requires a property that `a` forbids. */
function lacks(a: ObjectShape, b: ObjectShape): boolean {
  const names = new Set(a.properties.map(({ name }) => name));
  return a.closed && b.properties.some(({ name, required }) => required && !names.has(name));
}

/** Whether both require a property that cannot be as both say. */
function differ(a: ObjectShape, b: ObjectShape, depth: number): boolean {
  return a.properties.some((one) =>
    b.properties.some(
      (other) =>
        one.name === other.name && one.required && other.required && apart(one.schema, other.schema, depth),
    ),
  );
}

function typeOf(shape: SchemaShape): string {
  if (shape.kind !== "literal") return shape.kind;
  if (shape.value === null) return "null";
  return Array.isArray(shape.value) ? "array" : typeof shape.value;
}

/** A value as text that does not depend on the order of its keys. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
