import { TemplateError } from "./error.ts";

/** What a template computes with: Python's values. Whole numbers are numbers, the others {@link Float}. */
export type Value =
  | Undefined
  | null
  | boolean
  | number
  | string
  | Float
  | Value[]
  | Tuple
  | Map<string, Value>
  | Namespace
  | Callable;

/** A variable, attribute or item that is not there; `hint` says so in Jinja's words. */
export class Undefined {
  readonly hint: string;
  constructor(hint: string) {
    this.hint = hint;
  }
}

/** A number that Python writes with a point, even where it is whole. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What `namespace()` makes: attributes that can be set from within loops. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** Arguments of a call by their names. */
export type Named = ReadonlyMap<string, Value>;

export class Callable {
  readonly call: (args: readonly Value[], named: Named) => Value;
  constructor(call: (args: readonly Value[], named: Named) => Value) {
    this.call = call;
  }
}

/** A value of JavaScript as a template sees it: objects are dictionaries. */
export function toValue(given: unknown): Value {
  if (given === undefined || given === null) return null;
  if (typeof given === "number") return Number.isInteger(given) ? exact(given) : new Float(given);
  if (typeof given === "string" || typeof given === "boolean") return given;
  if (isValueObject(given)) return given;
  if (Array.isArray(given)) return given.map(toValue);
  if (typeof given === "object") {
    const entries = Object.entries(given).filter(([, value]) => value !== undefined);
    return new Map(entries.map(([key, value]) => [key, toValue(value)]));
  }
  throw new TemplateError(`a template's variable must be data, got a ${typeof given}`);
}

/** @throws TemplateError for a whole number that JavaScript does not hold exactly */
export function exact(whole: number): number {
  if (Number.isSafeInteger(whole)) return whole;
  throw new TemplateError(`whole numbers must be at most 2^53 - 1 here, got ${whole}`);
}

function isValueObject(value: unknown): value is Float | Tuple | Namespace | Callable | Undefined {
  return [Float, Tuple, Namespace, Callable, Undefined].some((kind) => value instanceof kind);
}

/** The name of a value's type in Python. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (value instanceof Float) return "float";
  if (value instanceof Map) return "dict";
  if (Array.isArray(value)) return "list";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Undefined) return "Undefined";
  return value instanceof Namespace ? "Namespace" : "function";
}

export function isTrue(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Undefined) return false;
  return typeof value === "object" && value !== null ? true : Boolean(value);
}

/** A number, where a value is one: Python counts true and false as 1 and 0. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

export function areEqual(a: Value, b: Value): boolean {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left === right;
  if (Array.isArray(a) && Array.isArray(b)) return areEqualLists(a, b);
  if (a instanceof Tuple && b instanceof Tuple) return areEqualLists(a.items, b.items);
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (!(a instanceof Map && b instanceof Map)) return a === b;
  return a.size === b.size && [...a].every(([key, value]) => b.has(key) && areEqual(value, b.get(key)!));
}

function areEqualLists(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => areEqual(value, b[i]));
}

/** @throws TemplateError for what cannot be gone through */
export function itemsOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Map) return [...value.keys()];
  if (typeof value === "string") return [...value];
  if (value instanceof Undefined) return [];
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** @throws TemplateError for a key that is no text */
export function dictionaryOf(entries: Iterable<readonly [Value, Value]>): Map<string, Value> {
  const dictionary = new Map<string, Value>();
  for (const [key, value] of entries) {
    if (typeof key !== "string") {
      throw new TemplateError(`keys of a dictionary must be texts here, got a ${typeName(key)}`);
    }
    dictionary.set(key, value);
  }
  return dictionary;
}
