import { parse, tokenize } from "@huggingface/jinja";
import { TemplateError } from "./error.ts";
import type { Node } from "./nodes.ts";
import { Scope } from "./scope.ts";
import { written } from "./statements.ts";
import { strftime } from "./strftime.ts";
import { textOf } from "./text.ts";
import { requireUnchained, withTestsAsFilters } from "./tokens.ts";
import { Callable, Float, Namespace, numberOf, toValue, typeName, type Value } from "./values.ts";

/** A text that a template wrote. */
export interface Rendered {
  readonly text: string;
  /** Where in the text what a `generation` block wrote begins and ends. */
  readonly generated: readonly (readonly [start: number, end: number])[];
}

/** How a template is rendered. */
export interface RenderOptions {
  /** The time that `strftime_now` tells. Default: now. */
  readonly now?: Date | undefined;
}

/** A template that was read. */
export interface Template {
  /** Whether it says by `generation` blocks what the assistant writes. */
  readonly hasGeneration: boolean;
  /** @throws TemplateError where Jinja or the template refuses the variables */
  render(variables: Readonly<Record<string, unknown>>, options?: RenderOptions): Rendered;
}

const generationTags = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g;
/** The name under which templates call what follows the tags, which no other name can be. */
const tracker = "owl_generation_block";

/**
 * Reads a template of Jinja's, as transformers does: blocks take the blanks in front of them on their line and the line end
 * behind them, `generation` blocks are known, values are Python's. @huggingface/jinja cuts and parses the text.
 *
 * @throws TemplateError where the text is no template
 */
export function readTemplate(source: string): Template {
  let hasGeneration = false;
  const text = source.replace(/\r\n?/g, "\n").replace(generationTags, (_, before, end, behind) => {
    hasGeneration = true;
    return end === undefined
      ? `{%${before} call ${tracker}() ${behind}%}`
      : `{%${before} endcall ${behind}%}`;
  });
  const body = bodyOf(text);
  return {
    hasGeneration,
    render(variables, { now = new Date() } = {}) {
      const given = Object.entries(variables).filter(([, value]) => value !== undefined);
      const scope = new Scope(globalsAt(now)).inner(
        new Map(given.map(([key, value]) => [key, toValue(value)])),
      );
      return withoutMarks(written(body, scope.inner()));
    },
  };
}

function bodyOf(text: string): readonly Node[] {
  try {
    const tokens = withTestsAsFilters(tokenize(text, { lstrip_blocks: true, trim_blocks: true }));
    requireUnchained(tokens);
    return (parse(tokens) as unknown as { body: readonly Node[] }).body;
  } catch (error) {
    throw new TemplateError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

// What a generation block wrote stands between two halves of surrogate pairs, which no text has.
const begin = "\udbfe";
const end = "\udbff";

function withoutMarks(text: string): Rendered {
  const generated: [number, number][] = [];
  const parts = text.split(new RegExp(`([${begin}${end}](?![\\udc00-\\udfff]))`));
  let length = 0;
  let start = 0;
  for (const part of parts) {
    if (part === begin) start = length;
    else if (part === end) generated.push([start, length]);
    else length += part.length;
  }
  return { text: parts.filter((part) => part !== begin && part !== end).join(""), generated };
}

const largestRange = 100_000;

function globalsAt(now: Date): Map<string, Value> {
  return new Map<string, Value>([
    ["range", new Callable(range)],
    ["dict", new Callable((_, named) => new Map(named))],
    ["namespace", new Callable(namespace)],
    ["raise_exception", new Callable(raiseException)],
    ["strftime_now", new Callable(([format]) => strftime(now, textOf(format)))],
    [
      tracker,
      new Callable((_, named) => begin + textOf((named.get("caller") as Callable).call([], new Map())) + end),
    ],
  ]);
}

function raiseException([message]: readonly Value[]): never {
  throw new TemplateError(textOf(message ?? ""), { isRaised: true });
}

function namespace(args: readonly Value[], named: ReadonlyMap<string, Value>): Namespace {
  const [given] = args;
  if (given !== undefined && !(given instanceof Map)) {
    throw new TemplateError(`'${typeName(given)}' object is not iterable`);
  }
  return new Namespace(new Map([...(given ?? []), ...named]));
}

function range(args: readonly Value[]): Value[] {
  const numbers = args.map((value) => {
    const number = value instanceof Float ? undefined : numberOf(value);
    if (number !== undefined) return number;
    throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  });
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (step === 0) throw new TemplateError("range() arg 3 must not be zero");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > largestRange) {
    throw new TemplateError(
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${largestRange}).`,
    );
  }
  return Array.from({ length }, (_, i) => start + i * step);
}
