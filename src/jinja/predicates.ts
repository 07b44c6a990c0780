import { TemplateError } from "./error.ts";
import { binary, contains } from "./operators.ts";
import { textOf } from "./text.ts";
import { areEqual, Callable, Float, numberOf, Tuple, Undefined, type Value } from "./values.ts";

type Predicate = (value: Value, ...args: readonly Value[]) => boolean;

const whole = (value: Value): number => {
  const number = numberOf(value);
  if (number !== undefined) return number;
  throw new TemplateError("not all arguments converted during string formatting");
};

/** Jinja's tests: `value is name`. */
const predicates: Readonly<Record<string, Predicate>> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Callable,
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  string: (value) => typeof value === "string",
  mapping: (value) => value instanceof Map,
  sequence: (value) =>
    typeof value === "string" || Array.isArray(value) || value instanceof Tuple || value instanceof Map,
  iterable: (value) =>
    typeof value === "string" ||
    Array.isArray(value) ||
    [Tuple, Map, Undefined].some((kind) => value instanceof kind),
  number: (value) => numberOf(value) !== undefined,
  integer: (value) => typeof value === "number",
  float: (value) => value instanceof Float,
  even: (value) => whole(value) % 2 === 0,
  odd: (value) => Math.abs(whole(value) % 2) === 1,
  divisibleby: (value, by) => whole(value) % whole(by) === 0,
  lower: (value) =>
    textOf(value) !== textOf(value).toUpperCase() && textOf(value) === textOf(value).toLowerCase(),
  upper: (value) =>
    textOf(value) !== textOf(value).toLowerCase() && textOf(value) === textOf(value).toUpperCase(),
  in: (value, container) => contains(container, value),
  sameas: (value, other) => value === other,
  eq: areEqual,
  equalto: areEqual,
  "==": areEqual,
  ne: (value, other) => !areEqual(value, other),
  "!=": (value, other) => !areEqual(value, other),
  ">": (value, other) => predicates.gt(value, other),
  ">=": (value, other) => predicates.ge(value, other),
  "<": (value, other) => predicates.lt(value, other),
  "<=": (value, other) => predicates.le(value, other),
  greaterthan: (value, other) => predicates.gt(value, other),
  lessthan: (value, other) => predicates.lt(value, other),
  gt: (value, other) => binary(">", value, other) === true,
  ge: (value, other) => binary(">=", value, other) === true,
  lt: (value, other) => binary("<", value, other) === true,
  le: (value, other) => binary("<=", value, other) === true,
};

/** @throws TemplateError where there is no such test */
export function holds(name: string, value: Value, args: readonly Value[] = []): boolean {
  if (Object.hasOwn(predicates, name)) return predicates[name](value, ...args);
  throw new TemplateError(`No test named '${name}'.`);
}
