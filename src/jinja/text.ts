import { TemplateError } from "./error.ts";
import { Float, Tuple, typeName, Undefined, type Value } from "./values.ts";

/** A value as `str()` of Python writes it. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  return value instanceof Undefined ? "" : represented(value);
}

/** A value as `repr()` of Python writes it. */
export function represented(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${value.map(represented).join(", ")}]`;
  if (value instanceof Tuple) {
    return `(${value.items.map(represented).join(", ")}${value.items.length === 1 ? "," : ""})`;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${quoted(key)}: ${represented(item)}`).join(", ")}}`;
  }
  if (value instanceof Undefined) return "Undefined";
  throw new TemplateError(`a ${typeName(value)} cannot be written as text`);
}

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\p{C}\p{Z}\\'"]/gu, (sign) => {
    if (sign === " ") return sign;
    if (sign === "'" || sign === '"') return sign === quote ? `\\${sign}` : sign;
    return short[sign] ?? escapedCode(sign.codePointAt(0)!);
  });
  return quote + escaped + quote;
}

function escapedCode(code: number): string {
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(Number(digits), "0")}`;
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** How JSON is written. */
export interface JsonLayout {
  /** What each level is indented by; undefined: all on one line. */
  readonly indent?: string | undefined;
  readonly separators?: readonly [item: string, key: string] | undefined;
  readonly sortKeys?: boolean;
  readonly ensureAscii?: boolean;
}

/** A value as `json.dumps` of Python writes it. */
export function jsonOf(value: Value, layout: JsonLayout = {}, depth = 0): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return jsonText(value, layout.ensureAscii === true);
  if (typeof value === "number") return String(value);
  if (value instanceof Float) {
    const text = floatText(value.value);
    return { nan: "NaN", inf: "Infinity", "-inf": "-Infinity" }[text] ?? text;
  }
  const { indent, separators = [indent === undefined ? ", " : ",", ": "] } = layout;
  const wrapped = (open: string, items: readonly string[], close: string): string => {
    if (items.length === 0) return open + close;
    if (indent === undefined) return open + items.join(separators[0]) + close;
    const line = `\n${indent.repeat(depth + 1)}`;
    return `${open}${line}${items.join(separators[0] + line)}\n${indent.repeat(depth)}${close}`;
  };
  const inner = (item: Value): string => jsonOf(item, layout, depth + 1);
  if (Array.isArray(value)) return wrapped("[", value.map(inner), "]");
  if (value instanceof Tuple) return wrapped("[", value.items.map(inner), "]");
  if (value instanceof Map) {
    const entries = [...value];
    if (layout.sortKeys === true) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    const written = entries.map(([key, item]) => {
      return jsonText(key, layout.ensureAscii === true) + separators[1] + inner(item);
    });
    return wrapped("{", written, "}");
  }
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

const shortJson: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f" },
};

function jsonText(text: string, ensureAscii: boolean): string {
  const signs = ensureAscii ? /["\\]|[^ -~]/g : /["\\]|\p{Cc}/gu;
  const escaped = text.replace(signs, (sign) => {
    const code = sign.charCodeAt(0);
    if (!ensureAscii && code >= 0x7f) return sign;
    return shortJson[sign] ?? `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}
