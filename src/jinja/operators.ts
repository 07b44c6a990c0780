import { TemplateError } from "./error.ts";
import { textOf } from "./text.ts";
import {
  areEqual,
  exact,
  Float,
  itemsOf,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** `left operator right`, all but `and` and `or`. @throws TemplateError where Python refuses it */
export function binary(operator: string, left: Value, right: Value): Value {
  switch (operator) {
    case "==":
      return areEqual(left, right);
    case "!=":
      return !areEqual(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    case "~":
      return textOf(left) + textOf(right);
  }
  requireDefined(left);
  requireDefined(right);
  return ["<", "<=", ">", ">="].includes(operator)
    ? isOrdered(operator, left, right)
    : computed(operator, left, right);
}

/** @throws TemplateError for what is undefined */
export function requireDefined(value: Value): void {
  if (value instanceof Undefined) throw new TemplateError(value.hint);
}

export function contains(whole: Value, item: Value): boolean {
  if (typeof whole === "string") {
    if (typeof item === "string") return whole.includes(item);
    requireDefined(item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (whole instanceof Map) return typeof item === "string" && whole.has(item);
  if (Array.isArray(whole) || whole instanceof Tuple || whole instanceof Undefined) {
    return itemsOf(whole).some((one) => areEqual(one, item));
  }
  throw new TemplateError(`argument of type '${typeName(whole)}' is not iterable`);
}

/** Less than nothing, equal or more, as Python orders; undefined where it refuses. */
export function order(a: Value, b: Value): number | undefined {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left - right;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const isList = Array.isArray(a) && Array.isArray(b);
  if (!isList && !(a instanceof Tuple && b instanceof Tuple)) return undefined;
  const [first, second] = [itemsOf(a), itemsOf(b)];
  const at = first.findIndex((item, i) => i >= second.length || !areEqual(item, second[i]));
  if (at < 0 || at >= second.length) return first.length - second.length;
  return order(first[at], second[at]);
}

function compareText(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : left[at].codePointAt(0)! - right[at].codePointAt(0)!;
}

function isOrdered(operator: string, left: Value, right: Value): boolean {
  const found = order(left, right);
  if (found === undefined) {
    throw new TemplateError(
      `'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
    );
  }
  if (operator === "<") return found < 0;
  if (operator === "<=") return found <= 0;
  return operator === ">" ? found > 0 : found >= 0;
}

function computed(operator: string, left: Value, right: Value): Value {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    const isFloat = left instanceof Float || right instanceof Float || operator === "/";
    const result = arithmetic(operator, a, b);
    return isFloat || (operator === "**" && b < 0) ? new Float(result) : exact(result);
  }
  if (operator === "+") return added(left, right);
  if (operator === "*" && typeof right === "number") {
    if (typeof left === "string") return left.repeat(Math.max(0, right));
    if (Array.isArray(left)) return Array.from({ length: Math.max(0, right) }, () => left).flat();
  }
  throw new TemplateError(
    `unsupported operand type(s) for ${operator === "**" ? "** or pow()" : operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function added(left: Value, right: Value): Value {
  if (typeof left === "string" && typeof right === "string") return left + right;
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items]);
  const joins = typeof left === "string" || Array.isArray(left) || left instanceof Tuple;
  const [one, other] = [typeName(left), typeName(right)];
  throw new TemplateError(
    joins
      ? `can only concatenate ${one} (not "${other}") to ${one}`
      : `unsupported operand type(s) for +: '${one}' and '${other}'`,
  );
}

function arithmetic(operator: string, a: number, b: number): number {
  if (b === 0 && ["/", "//", "%"].includes(operator)) throw new TemplateError("division by zero");
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - b * Math.floor(a / b);
    case "**":
      return a ** b;
    default:
      throw new TemplateError(`operator ${operator} is not computed here`);
  }
}
