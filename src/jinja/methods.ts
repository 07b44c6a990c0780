import { TemplateError } from "./error.ts";
import { requireKnownArguments } from "./signature.ts";
import { textOf } from "./text.ts";
import {
  areEqual,
  Callable,
  isTrue,
  itemsOf,
  type Named,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type Method<Self> = (self: Self, args: readonly Value[], named: Named) => Value;

/** What Python calls whitespace in texts, as the inside of a character class. */
const blanks = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const words = new RegExp(`[^${blanks}]+`, "gu");

/** A text without the given characters (default: whitespace) at its ends. */
export function stripped(
  text: string,
  characters: Value | undefined,
  sides: "both" | "left" | "right",
): string {
  const given = characters === undefined || characters === null ? undefined : textOf(characters);
  const set =
    given === undefined
      ? blanks
      : [...given].map((one) => `\\u{${one.codePointAt(0)!.toString(16)}}`).join("");
  if (set === "") return text;
  const left = sides === "right" ? text : text.replace(new RegExp(`^[${set}]+`, "u"), "");
  return sides === "left" ? left : left.replace(new RegExp(`[${set}]+$`, "u"), "");
}

const strip =
  (sides: "both" | "left" | "right"): Method<string> =>
  (text, [characters]) =>
    stripped(text, characters, sides);

function string(value: Value | undefined, method: string): string {
  if (typeof value === "string") return value;
  throw new TemplateError(`${method}() must be given a str, got ${typeName(value ?? null)}`);
}

function split(text: string, separator: Value | undefined, most: number, fromEnd: boolean): string[] {
  if (separator === undefined || separator === null) return splitWords(text, most, fromEnd);
  const sign = string(separator, "split");
  if (sign === "") throw new TemplateError("empty separator");
  const all = text.split(sign);
  if (most < 0 || all.length <= most + 1) return all;
  return fromEnd
    ? [all.slice(0, all.length - most).join(sign), ...all.slice(all.length - most)]
    : [...all.slice(0, most), all.slice(most).join(sign)];
}

function splitWords(text: string, most: number, fromEnd: boolean): string[] {
  const found = [...text.matchAll(words)];
  if (most < 0 || found.length <= most) return found.map(([word]) => word);
  if (!fromEnd) {
    const rest = stripped(text.slice(found[most].index), undefined, "left");
    return [...found.slice(0, most).map(([word]) => word), rest];
  }
  const last = found.slice(found.length - most).map(([word]) => word);
  const before = found[found.length - most - 1];
  return [stripped(text.slice(0, before.index + before[0].length), undefined, "right"), ...last];
}

const splitBy =
  (fromEnd: boolean): Method<string> =>
  (text, [separator, most], named) => {
    const limit = count(most === undefined ? named.get("maxsplit") : most, "split");
    return split(text, separator === undefined ? named.get("sep") : separator, limit, fromEnd);
  };

/** How often at most; below 0 for always. */
function count(value: Value | undefined, method: string): number {
  if (value === undefined) return -1;
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  throw new TemplateError(`${method}() must be given an int, got ${typeName(value)}`);
}

/** `str.replace`; a count below 0 means all. */
export function replaced(text: string, from: string, to: string, count: number): string {
  if (count < 0)
    return from === "" ? to + [...text].map((one) => one + to).join("") : text.split(from).join(to);
  let rest = text;
  let result = "";
  for (let i = 0; i < count; i++) {
    const at = rest.indexOf(from);
    if (at < 0) break;
    result += rest.slice(0, at) + to;
    rest = rest.slice(at + from.length);
  }
  return result + rest;
}

const has =
  (test: (text: string, part: string) => boolean, name: string): Method<string> =>
  (text, [parts]) =>
    (parts instanceof Tuple ? parts.items : [parts]).some((part) => test(text, string(part, name)));

const every =
  (pattern: RegExp): Method<string> =>
  (text) =>
    pattern.test(text);

/** Where a part is, in characters. */
const positionOf = (text: string, at: number): number => (at < 0 ? -1 : [...text.slice(0, at)].length);

function titleCase(text: string): string {
  return text.replace(/\p{L}[\p{L}\p{M}]*/gu, capitalized);
}

export function capitalized(text: string): string {
  const [first = "", ...rest] = [...text];
  return first.toUpperCase() + rest.join("").toLowerCase();
}

function formatted(text: string, args: readonly Value[], named: Named): string {
  let next = 0;
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (field, name: string | undefined) => {
    if (name === undefined) return field[0];
    if (!/^\w*$/.test(name)) throw new TemplateError(`format field ${field} is not computed here`);
    const value = /^\d*$/.test(name) ? args[name === "" ? next++ : Number(name)] : named.get(name);
    if (value === undefined) throw new TemplateError(`no value for the format field ${field}`);
    return textOf(value);
  });
}

const ofText: Readonly<Record<string, Method<string>>> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  casefold: (text) => text.toLowerCase(),
  title: titleCase,
  capitalize: capitalized,
  swapcase: (text) =>
    [...text].map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase())).join(""),
  strip: strip("both"),
  lstrip: strip("left"),
  rstrip: strip("right"),
  split: splitBy(false),
  rsplit: splitBy(true),
  splitlines: (text, [keep], named) => {
    const lines = text.match(wholeLine)?.filter((line) => line !== "") ?? [];
    const given = keep === undefined ? named.get("keepends") : keep;
    const keepsEnds = given !== undefined && isTrue(given);
    return keepsEnds ? lines : lines.map((line) => line.replace(lineEnd, ""));
  },
  partition: (text, [sign]) => {
    const at = text.indexOf(string(sign, "partition"));
    if (at < 0) return new Tuple([text, "", ""]);
    return new Tuple([text.slice(0, at), sign, text.slice(at + textOf(sign).length)]);
  },
  rpartition: (text, [sign]) => {
    const at = text.lastIndexOf(string(sign, "rpartition"));
    if (at < 0) return new Tuple(["", "", text]);
    return new Tuple([text.slice(0, at), sign, text.slice(at + textOf(sign).length)]);
  },
  startswith: has((text, part) => text.startsWith(part), "startswith"),
  endswith: has((text, part) => text.endsWith(part), "endswith"),
  removeprefix: (text, [part]) =>
    text.startsWith(string(part, "removeprefix")) ? text.slice(textOf(part).length) : text,
  removesuffix: (text, [part]) =>
    part !== "" && text.endsWith(string(part, "removesuffix"))
      ? text.slice(0, text.length - textOf(part).length)
      : text,
  replace: (text, [from, to, most], named) => {
    const limit = count(most === undefined ? named.get("count") : most, "replace");
    return replaced(text, string(from, "replace"), string(to, "replace"), limit);
  },
  find: (text, [part]) => positionOf(text, text.indexOf(string(part, "find"))),
  rfind: (text, [part]) => positionOf(text, text.lastIndexOf(string(part, "rfind"))),
  index: (text, [part]) => {
    const at = text.indexOf(string(part, "index"));
    if (at < 0) throw new TemplateError("substring not found");
    return positionOf(text, at);
  },
  count: (text, [part]) => text.split(string(part, "count")).length - 1,
  join: (text, [items]) =>
    itemsOf(items)
      .map((item, i) => {
        if (typeof item === "string") return item;
        throw new TemplateError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
      })
      .join(text),
  format: formatted,
  isdigit: every(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+$/u),
  isdecimal: every(/^\p{Nd}+$/u),
  isnumeric: every(/^\p{N}+$/u),
  isalpha: every(/^\p{L}+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isspace: every(new RegExp(`^[${blanks}]+$`, "u")),
  isupper: (text) => text !== text.toLowerCase() && text === text.toUpperCase(),
  islower: (text) => text !== text.toUpperCase() && text === text.toLowerCase(),
};

const separators = String.fromCharCode(0x1c, 0x1d, 0x1e);
const lineEnds = `\\n\\r\\v\\f${separators}\\x85\\u2028\\u2029`;
const lineEnd = new RegExp(`(\\r\\n|[${lineEnds}])$`, "u");
const wholeLine = new RegExp(`[^${lineEnds}]*(?:\\r\\n|[${lineEnds}]|$)`, "gu");

const ofList: Readonly<Record<string, Method<readonly Value[]>>> = {
  index: (list, [item]) => {
    const at = list.findIndex((one) => areEqual(one, item));
    if (at < 0) throw new TemplateError("value is not in list");
    return at;
  },
  count: (list, [item]) => list.filter((one) => areEqual(one, item)).length,
};

const ofDictionary: Readonly<Record<string, Method<ReadonlyMap<string, Value>>>> = {
  items: (dictionary) => [...dictionary].map((entry) => new Tuple(entry)),
  keys: (dictionary) => [...dictionary.keys()],
  values: (dictionary) => [...dictionary.values()],
  get: (dictionary, [key, fallback = null]) =>
    typeof key === "string" && dictionary.has(key) ? dictionary.get(key)! : fallback,
  copy: (dictionary) => new Map(dictionary),
};

/** Methods that change what they belong to: the sandbox that templates run in refuses them. */
const changing: readonly string[] = [
  ...[
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
  ],
];

/** The parameters of each method in order; a method that is not here has none, {@link takesAny} has any. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(["strip", "lstrip", "rstrip"].map((name) => [name, ["chars"]])),
  split: ["sep", "maxsplit"],
  rsplit: ["sep", "maxsplit"],
  splitlines: ["keepends"],
  partition: ["sep"],
  rpartition: ["sep"],
  ...Object.fromEntries(
    ["startswith", "endswith", "removeprefix", "removesuffix"].map((name) => [name, ["part"]]),
  ),
  replace: ["old", "new", "count"],
  ...Object.fromEntries(["find", "rfind", "index", "count"].map((name) => [name, ["part"]])),
  join: ["items"],
  get: ["key", "default"],
};
const takesAny = ["format"];
/** Those that may be named; of other methods Python takes arguments by position alone. */
const nameable: readonly string[] = ["split", "rsplit", "splitlines"];

/** A method of a value; undefined where it has none of that name. */
export function methodOf(self: Value, name: string): Value | undefined {
  const bound = <Self>(table: Readonly<Record<string, Method<Self>>>, own: Self): Callable | undefined => {
    const method = Object.hasOwn(table, name) ? table[name] : undefined;
    const names = takesAny.includes(name) ? undefined : (parameters[name] ?? []);
    return (
      method &&
      new Callable((args, named) => {
        requireKnownArguments(name, names, args, named);
        const isNamed = named.size > 0 && names !== undefined && !nameable.includes(name);
        // Python 3.13 takes the count of str.replace by its name.
        if (isNamed && !(name === "replace" && named.size === 1 && named.has("count"))) {
          throw new TemplateError(`${name}() takes no keyword arguments`);
        }
        return method(own, args, named);
      })
    );
  };
  if (typeof self === "string") return bound(ofText, self);
  const isList = Array.isArray(self);
  if (!isList && !(self instanceof Map)) return self instanceof Tuple ? bound(ofList, self.items) : undefined;
  if (!changing.includes(name)) return isList ? bound(ofList, self) : bound(ofDictionary, self);
  return new Callable(() => {
    throw new TemplateError(`access to attribute '${name}' of '${typeName(self)}' object is unsafe.`);
  });
}

/** `len()`. */
export function lengthOf(value: Value): number {
  if (typeof value === "string") return [...value].length;
  if (value instanceof Map) return value.size;
  if (Array.isArray(value) || value instanceof Tuple || value instanceof Undefined)
    return itemsOf(value).length;
  throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
}
