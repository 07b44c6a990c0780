import { parse, tokenize } from "@huggingface/jinja";
import { TemplateError } from "./error.ts";
import type { Node } from "./nodes.ts";
import { withoutRawBlocks } from "./raw-blocks.ts";
import { Scope } from "./scope.ts";
import { written } from "./statements.ts";
import { strftime } from "./strftime.ts";
import { textOf } from "./text.ts";
import { requireUnchained, withScopes, withTestsAsFilters } from "./tokens.ts";
import {
  Callable,
  dictionaryOf,
  Float,
  itemsOf,
  type Named,
  Namespace,
  numberOf,
  toValue,
  typeName,
  type Value,
} from "./values.ts";

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
  const text = withoutRawBlocks(source.replace(/\r\n?/g, "\n")).replace(
    generationTags,
    (_, before, end, behind) => {
      hasGeneration = true;
      return end === undefined
        ? `{%${before} call ${tracker}() ${behind}%}`
        : `{%${before} endcall ${behind}%}`;
    },
  );
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
    const tokens = withTestsAsFilters(withScopes(tokenize(text, { lstrip_blocks: true, trim_blocks: true })));
    requireUnchained(tokens);
    return (parse(tokens) as unknown as { body: readonly Node[] }).body;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TemplateError(message, { isUnread: true, cause: error });
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
    ["dict", new Callable(dictionary)],
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
  throw new TemplateError(message === undefined ? "" : textOf(message), { isRaised: true });
}

function namespace(args: readonly Value[], named: Named): Namespace {
  return new Namespace(dictionary(args, named));
}

/** `dict()`: of a mapping, or of pairs, with the named ones behind them. */
function dictionary(args: readonly Value[], named: Named): Map<string, Value> {
  if (args.length > 1) throw new TemplateError(`dict expected at most 1 argument, got ${args.length}`);
  const given = args.length === 0 ? [] : args[0];
  const entries = given instanceof Map ? given : itemsOf(given).map(pairOf);
  return dictionaryOf([...entries, ...named]);
}

function pairOf(item: Value, at: number): readonly [Value, Value] {
  const pair = itemsOf(item);
  if (pair.length === 2) return [pair[0], pair[1]];
  throw new TemplateError(
    `dictionary update sequence element #${at} has length ${pair.length}; 2 is required`,
  );
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
