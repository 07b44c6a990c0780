import { TemplateError } from "./error.ts";
import { methodOf } from "./methods.ts";
import { Namespace, Tuple, typeName, Undefined, type Value } from "./values.ts";

/**
 * `value.key`, or with `isItem` `value[key]`: an attribute first, or an item first. What is not there is undefined.
 *
 * @throws TemplateError where the value itself is undefined
 */
export function attributeOf(value: Value, key: Value, isItem: boolean): Value {
  if (value instanceof Undefined) throw new TemplateError(value.hint);
  const item = (): Value | undefined => itemAt(value, key);
  const method = (): Value | undefined => (typeof key === "string" ? methodOf(value, key) : undefined);
  const [first, second] = isItem ? [item, method] : [method, item];
  const found = first();
  if (found !== undefined) return found;
  const other = second();
  return other === undefined ? new Undefined(missing(value, key)) : other;
}

function itemAt(value: Value, key: Value): Value | undefined {
  if (value instanceof Namespace) return typeof key === "string" ? value.attributes.get(key) : undefined;
  if (value instanceof Map) return typeof key === "string" ? value.get(key) : undefined;
  if (typeof key !== "number") return undefined;
  if (typeof value === "string") return [...value].at(key);
  if (Array.isArray(value)) return value.at(key);
  return value instanceof Tuple ? value.items.at(key) : undefined;
}

function missing(value: Value, key: Value): string {
  const owner = value === null ? "None" : `${typeName(value)} object`;
  if (typeof key === "string") return `'${owner}' has no attribute '${key}'`;
  return `${owner} has no element ${typeof key === "number" ? key : typeName(key)}`;
}

/** `value[start:stop:step]` of a text, a list or a tuple. */
export function sliceOf(value: Value, bounds: readonly (Value | undefined)[]): Value {
  const [start, stop, step = 1] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    if (typeof bound === "number") return bound;
    throw new TemplateError("slice indices must be integers or None or have an __index__ method");
  });
  if (step === 0) throw new TemplateError("slice step cannot be zero");
  if (typeof value === "string") return picked([...value], start, stop, step).join("");
  if (Array.isArray(value)) return picked(value, start, stop, step);
  if (value instanceof Tuple) return new Tuple(picked(value.items, start, stop, step));
  if (value instanceof Undefined) throw new TemplateError(value.hint);
  throw new TemplateError(`'${typeName(value)}' object is not subscriptable`);
}

function picked<T>(
  list: readonly T[],
  start: number | undefined,
  stop: number | undefined,
  step: number,
): T[] {
  const { length } = list;
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const bounded = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, low), high);
  const from = start === undefined ? (step > 0 ? low : high) : bounded(start);
  const until = stop === undefined ? (step > 0 ? high : low) : bounded(stop);
  const items: T[] = [];
  for (let at = from; step > 0 ? at < until : at > until; at += step) items.push(list[at]);
  return items;
}
