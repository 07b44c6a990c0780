import { attributeOf } from "./attributes.ts";
import { TemplateError } from "./error.ts";
import { capitalized, lengthOf, replaced, stripped } from "./methods.ts";
import { binary, order } from "./operators.ts";
import { holds } from "./predicates.ts";
import { requireKnownArguments } from "./signature.ts";
import { jsonOf, textOf } from "./text.ts";
import { testFilters } from "./tokens.ts";
import {
  areEqual,
  exact,
  Float,
  isTrue,
  itemsOf,
  type Named,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What a filter is given beside the value. */
class Arguments {
  readonly list: readonly Value[];
  readonly #named: Named;

  constructor(list: readonly Value[], named: Named) {
    this.list = list;
    this.#named = named;
  }

  /** An argument by position or name; undefined where it is not given, which None is. */
  get(position: number, name: string): Value | undefined {
    return position < this.list.length ? this.list[position] : this.#named.get(name);
  }

  /** The same, of one that is not given the default. */
  getOr(position: number, name: string, byDefault: Value): Value {
    const given = this.get(position, name);
    return given === undefined ? byDefault : given;
  }

  flag(position: number, name: string): boolean {
    const value = this.get(position, name);
    return value !== undefined && isTrue(value);
  }
}

type Filter = (value: Value, args: Arguments) => Value;

/** The attribute of an item by a path such as `function.name`, or the item itself. */
function attributeGetter(path: Value | undefined, fallback?: Value): (item: Value) => Value {
  if (path === undefined || path === null) return (item) => item;
  const keys = typeof path === "number" ? [path] : textOf(path).split(".");
  return (item) =>
    keys.reduce<Value>((value, key) => {
      const index = typeof key === "string" && /^\d+$/.test(key) ? Number(key) : key;
      const found = attributeOf(value, index, true);
      // None is no fallback, as jinja2 has it.
      return found instanceof Undefined && fallback !== undefined && fallback !== null ? fallback : found;
    }, item);
}

/** Words of a text with capitals, as the filter of that name has them: an apostrophe ends none. */
function titled(given: string): string {
  return given
    .split(/([-\s({[<]+)/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join("");
}

const folded = (value: Value): Value => (typeof value === "string" ? value.toLowerCase() : value);

function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  const ranked = [...items].sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    const found = order(left, right);
    if (found !== undefined) return reverse ? -found : found;
    throw new TemplateError(
      `'<' not supported between instances of '${typeName(right)}' and '${typeName(left)}'`,
    );
  });
  return ranked;
}

const selected =
  (keeps: boolean, byAttribute: boolean): Filter =>
  (value, { list }) => {
    const get = attributeGetter(byAttribute ? list[0] : undefined);
    const [test, ...args] = byAttribute ? list.slice(1) : list;
    return itemsOf(value).filter((item) => {
      const found = get(item);
      return (test === undefined ? isTrue(found) : holds(textOf(test), found, args)) === keeps;
    });
  };

function toJson(value: Value, args: Arguments): string {
  const [indent, separators] = [args.get(1, "indent"), args.get(2, "separators")];
  const [item, key] = separators === undefined || separators === null ? [] : itemsOf(separators).map(textOf);
  return jsonOf(value, {
    indent: typeof indent === "number" ? " ".repeat(indent) : typeof indent === "string" ? indent : undefined,
    separators: item === undefined ? undefined : [item, key],
    sortKeys: args.flag(3, "sort_keys"),
    ensureAscii: args.flag(0, "ensure_ascii"),
  });
}

function indented(value: Value, args: Arguments): string {
  const width = args.getOr(0, "width", 4);
  if (typeof width !== "number" && typeof width !== "string") {
    throw new TemplateError(`indent: width must be an int or a str, got ${typeName(width)}`);
  }
  const margin = typeof width === "number" ? " ".repeat(width) : width;
  const [first, blank] = [args.flag(1, "first"), args.flag(2, "blank")];
  const lines = textOf(value).split("\n");
  return lines
    .map((line, i) => ((i === 0 && !first) || (line === "" && i > 0 && !blank) ? line : margin + line))
    .join("\n");
}

/** A number as Python's float() takes it: one underscore may stand between two digits. */
const numeral = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;

function toNumber(value: Value, args: Arguments, isWhole: boolean): Value {
  const fallback = args.getOr(0, "default", isWhole ? 0 : new Float(0));
  const text = typeof value === "string" ? value.trim() : undefined;
  const special = isWhole ? undefined : /^([+-]?)(nan|inf|infinity)$/i.exec(text ?? "");
  if (special != null) {
    return new Float(special[2].toLowerCase() === "nan" ? Number.NaN : Number(`${special[1]}Infinity`));
  }
  if (text !== undefined && !numeral.test(text)) return fallback;
  const number = text === undefined ? numberOf(value) : Number(text.replaceAll("_", ""));
  if (number === undefined) return fallback;
  if (!isWhole) return new Float(number);
  return Number.isFinite(number) ? exact(Math.trunc(number)) : fallback;
}

function rounded(value: Value, args: Arguments): Value {
  const [places, method] = [args.getOr(0, "precision", 0), args.getOr(1, "method", "common")];
  const isWhole = places === null && method === "common";
  const precision = isWhole ? 0 : places instanceof Float ? undefined : numberOf(places);
  if (precision === undefined) {
    throw new TemplateError(`round: precision must be an int, got ${typeName(places)}`);
  }
  const number = numberOf(value);
  if (number === undefined)
    throw new TemplateError(`type ${typeName(value)} doesn't define __round__ method`);
  const scale = 10 ** precision;
  if (method === "ceil") return new Float(Math.ceil(number * scale) / scale);
  if (method === "floor") return new Float(Math.floor(number * scale) / scale);
  if (method !== "common") throw new TemplateError("method must be common, ceil or floor");
  if (!(value instanceof Float) && precision >= 0) return number;
  if (isWhole) return exact(nearest(number, 0));
  return new Float(nearest(number, precision));
}

/** The nearest number of so many decimals, of two as near the even one: by the number's exact digits, as Python does it. */
function nearest(number: number, decimals: number): number {
  if (decimals < 0 || decimals > 99) {
    throw new TemplateError(`round: precision must be from 0 to 99 here, got ${decimals}`);
  }
  if (!(Math.abs(number) < 1e21)) return number;
  const digits = number.toFixed(100);
  const kept = digits.slice(0, digits.indexOf(".") + (decimals === 0 ? 0 : 1 + decimals));
  const isTie = /^\.?50*$/.test(digits.slice(kept.length));
  return Number(isTie && /[02468]$/.test(kept) ? kept : number.toFixed(decimals));
}

function edge(value: Value, at: 0 | -1): Value {
  const found = itemsOf(value).at(at);
  if (found !== undefined) return found;
  return new Undefined(`No ${at === 0 ? "first" : "last"} item, sequence was empty.`);
}

function outermost(value: Value, args: Arguments, isLargest: boolean): Value {
  const get = attributeGetter(args.get(1, "attribute"));
  const key = (item: Value): Value => (args.flag(0, "case_sensitive") ? get(item) : folded(get(item)));
  const [found] = sorted(itemsOf(value), key, isLargest);
  return found === undefined ? new Undefined("No aggregated item, sequence was empty.") : found;
}

function mapped(value: Value, args: Arguments): Value {
  const attribute = args.get(Number.POSITIVE_INFINITY, "attribute");
  if (attribute === undefined) {
    const [name, ...rest] = args.list;
    return itemsOf(value).map((item) => filtered(textOf(name), item, rest, new Map()));
  }
  const get = attributeGetter(attribute, args.get(Number.POSITIVE_INFINITY, "default"));
  return itemsOf(value).map(get);
}

function uniqueItems(value: Value, args: Arguments): Value {
  const get = attributeGetter(args.get(1, "attribute"));
  const keys: Value[] = [];
  return itemsOf(value).filter((item) => {
    const key = args.flag(0, "case_sensitive") ? get(item) : folded(get(item));
    if (keys.some((one) => areEqual(one, key))) return false;
    keys.push(key);
    return true;
  });
}

function sortedEntries(value: Value, args: Arguments): Value {
  if (!(value instanceof Map)) throw new TemplateError(`cannot sort the entries of a ${typeName(value)}`);
  const position = args.get(1, "by") === "value" ? 1 : 0;
  const key = (entry: Value): Value => {
    const found = (entry as Tuple).items[position];
    return args.flag(0, "case_sensitive") ? found : folded(found);
  };
  return sorted(
    [...value].map((entry) => new Tuple(entry)),
    key,
    args.flag(2, "reverse"),
  );
}

const text =
  (change: (text: string) => string): Filter =>
  (value) =>
    change(textOf(value));

const filters: Readonly<Record<string, Filter>> = {
  abs: (value) => {
    const number = numberOf(value);
    if (number === undefined) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  capitalize: text(capitalized),
  count: lengthOf,
  default: (value, args) => {
    const isMissing = value instanceof Undefined || (args.flag(1, "boolean") && !isTrue(value));
    return isMissing ? args.getOr(0, "default_value", "") : value;
  },
  dictsort: sortedEntries,
  escape: text((given) =>
    given.replace(
      /[&<>"']/g,
      (sign) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "#34", "'": "#39" }[sign]};`,
    ),
  ),
  first: (value) => edge(value, 0),
  float: (value, args) => toNumber(value, args, false),
  indent: indented,
  int: (value, args) => toNumber(value, args, true),
  items: (value) => {
    if (value instanceof Undefined) return [];
    if (value instanceof Map) return [...value].map((entry) => new Tuple(entry));
    throw new TemplateError("Can only get item pairs from a mapping.");
  },
  join: (value, args) => {
    const get = attributeGetter(args.get(1, "attribute"));
    return itemsOf(value)
      .map((item) => textOf(get(item)))
      .join(textOf(args.getOr(0, "d", "")));
  },
  last: (value) => edge(value, -1),
  length: lengthOf,
  list: (value) => [...itemsOf(value)],
  lower: text((given) => given.toLowerCase()),
  map: mapped,
  max: (value, args) => outermost(value, args, true),
  min: (value, args) => outermost(value, args, false),
  [testFilters.is]: (value, { list: [test, ...args] }) => holds(textOf(test), value, args),
  [testFilters.isNot]: (value, { list: [test, ...args] }) => !holds(textOf(test), value, args),
  reject: selected(false, false),
  rejectattr: selected(false, true),
  replace: (value, args) => {
    const [from, to, count] = [args.get(0, "old"), args.get(1, "new"), args.get(2, "count")];
    if (from === undefined || to === undefined) {
      throw new TemplateError("replace: must be given what is replaced, and by what");
    }
    return replaced(textOf(value), textOf(from), textOf(to), typeof count === "number" ? count : -1);
  },
  reverse: (value) =>
    typeof value === "string" ? [...value].reverse().join("") : [...itemsOf(value)].reverse(),
  round: rounded,
  safe: (value) => value,
  select: selected(true, false),
  selectattr: selected(true, true),
  sort: (value, args) => {
    const get = attributeGetter(args.get(2, "attribute"));
    const key = (item: Value): Value => (args.flag(1, "case_sensitive") ? get(item) : folded(get(item)));
    return sorted(itemsOf(value), key, args.flag(0, "reverse"));
  },
  string: text((given) => given),
  sum: (value, args) => {
    const get = attributeGetter(args.get(0, "attribute"));
    return itemsOf(value).reduce<Value>(
      (sum, item) => binary("+", sum, get(item)),
      args.getOr(1, "start", 0),
    );
  },
  title: text(titled),
  tojson: toJson,
  trim: (value, args) => stripped(textOf(value), args.get(0, "chars"), "both"),
  unique: uniqueItems,
  upper: text((given) => given.toUpperCase()),
  wordcount: (value) => textOf(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0,
};
/** The parameters of each filter in order; of those that are not here they are filters' and tests' own. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  default: ["default_value", "boolean"],
  dictsort: ["case_sensitive", "by", "reverse"],
  float: ["default"],
  indent: ["width", "first", "blank"],
  int: ["default"],
  join: ["d", "attribute"],
  max: ["case_sensitive", "attribute"],
  min: ["case_sensitive", "attribute"],
  replace: ["old", "new", "count"],
  round: ["precision", "method"],
  sort: ["reverse", "case_sensitive", "attribute"],
  sum: ["attribute", "start"],
  tojson: ["ensure_ascii", "indent", "separators", "sort_keys"],
  trim: ["chars"],
  unique: ["case_sensitive", "attribute"],
};
const takesAny = ["map", "select", "reject", "selectattr", "rejectattr", ...Object.values(testFilters)];

const shortNames: Readonly<Record<string, string>> = { d: "default", e: "escape" };

/** @throws TemplateError where there is no such filter, or it cannot be applied */
export function filtered(name: string, value: Value, args: readonly Value[], named: Named): Value {
  const known = shortNames[name] ?? name;
  if (Object.hasOwn(filters, known)) {
    const names = takesAny.includes(known) ? undefined : (parameters[known] ?? []);
    requireKnownArguments(name, names, args, named);
    return filters[known](value, new Arguments(args, named));
  }
  throw new TemplateError(`No filter named '${name}'.`);
}
