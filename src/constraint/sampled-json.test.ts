import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { JsonSchemaError, jsonConstraint } from "./index.ts";
import { fickle, stubborn, write } from "./testing/sample-json.ts";

const ajv = new Ajv2020.default({ strict: false });
addFormats.default(ajv);

let tokenizer: Tokenizer;
/** The token of each single byte. */
const byteTokens = new Map<number, number>();
beforeAll(async () => {
  tokenizer = await loadTokenizer("models/owl-nano");
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const bytes = tokenizer.bytes(id);
    if (bytes?.length === 1) byteTokens.set(bytes[0], id);
  }
});

/** Whether a text may be written byte by byte, and may end there. */
function writable(schema: object | undefined, text: string): boolean {
  const constraint = jsonConstraint(schema, tokenizer);
  const logits = new Float32Array(tokenizer.vocabularySize);
  const allows = (id: number): boolean => {
    logits.fill(0);
    constraint.forbid(logits);
    return logits[id] === 0;
  };
  for (const byte of new TextEncoder().encode(text)) {
    const id = byteTokens.get(byte)!;
    if (!allows(id)) return false;
    constraint.accept(id);
  }
  return allows(tokenizer.eosId);
}

/** Texts that a schema lets be written, and texts that it does not. */
function judge(schema: object | undefined, good: readonly string[], bad: readonly string[]): void {
  for (const text of good) {
    expect(writable(schema, text), text).toBe(true);
    if (schema !== undefined) expect(ajv.validate(schema, JSON.parse(text)), text).toBe(true);
  }
  for (const text of bad) expect(writable(schema, text), text).toBe(false);
}

/** Every text of a schema fits it, whatever the model wants. */
function fits(schema: object, runs = 6): void {
  const check = ajv.compile(schema);
  for (let seed = 0; seed < runs; seed++) {
    const wishes = seed % 3 === 0 ? stubborn(seed) : fickle(seed);
    const { text } = write(jsonConstraint(schema, tokenizer, { maxNewTokens: 150 }), tokenizer, wishes, 150);
    expect(check(JSON.parse(text)), text).toBe(true);
  }
}

const problemsOf = (schema: object): readonly string[] => {
  try {
    jsonConstraint(schema, tokenizer);
  } catch (error) {
    if (error instanceof JsonSchemaError) return error.problems;
    throw error;
  }
  return [];
};

describe("what may be written", () => {
  test("without a schema: an object", () => {
    judge(
      undefined,
      ["{}", ' {"a": [1,-2.5e-7, null], "é": {"": "\\u00e9\\n🦉"}}', '{"a":"/"}'],
      [
        "[]",
        "1",
        "{} ",
        "{}{}",
        "{a:1}",
        '{"a":01}',
        '{"a":1,}',
        '{"a":"\n"}',
        '{"a":"\\x"}',
        '{"a":"\\ud800"}',
        "{",
        '{"a":.5}',
        '{"a":NaN}',
        '{"a":+1}',
      ],
    );
  });

  test("properties in the schema's order, those that are not required or not", () => {
    const properties = { a: { type: "integer" }, ab: { type: "boolean" }, "a b": { type: "null" } };
    const bad = [
      '{"ab":true,"a":1}',
      '{"a":1,"a":1}',
      '{"a":1.5}',
      '{"a":1,"c":2}',
      '{"a":1,  "ab":true}',
      '{ "a":1}',
    ];
    judge(
      { type: "object", properties, required: ["ab"] },
      ['{"ab":true}', '{"a":1, "ab":false,"a b":null}'],
      ["{}", '{"a":1}', ...bad],
    );
    judge({ properties }, ["{}", '{"a":-3}', '{"a b": null}'], bad);
    judge(
      { properties, additionalProperties: { type: "string" } },
      ['{"a":1,"c":"d","c":"e"}', '{"abc":""}', '{"":""}'],
      ['{"c":1}', '{"c":"d","a":1}', '{"c":"d","ab":"e"}', '{"\\u0061":"x"}'],
    );
    judge({ type: "object", required: ["x"] }, ['{"x":[{}]}', '{"x":1,"y":2}'], ["{}", '{"y":2}']);
  });

  test("arrays", () => {
    judge(
      { type: "array", items: { type: "null" }, minItems: 1, maxItems: 2 },
      ["[null]", "[null, null]"],
      ["[]", "[null,null,null]", "[null,]", "[,null]"],
    );
    judge(
      { prefixItems: [{ const: 1 }, { const: 2 }], items: { const: 3 } },
      ["[]", "[1]", "[1,2,3,3]"],
      ["[2]", "[1,3]"],
    );
    judge({ type: "array", prefixItems: [{ const: 1 }], items: false }, ["[]", "[1]"], ["[1,1]"]);
  });

  test("numbers between bounds, both signs", () => {
    judge(
      { type: "integer" },
      ["0", "-1", "123456789012345"],
      ["-0", "00", "1.0", "1e3", "1234567890123456", "-"],
    );
    for (const [minimum, maximum] of [
      [3, 17],
      [-12, 5],
      [-120, -99],
      [0, 0],
      [98, 1002],
    ]) {
      const schema = { type: "integer", minimum, maximum };
      const all = Array.from({ length: 2400 }, (_, i) => i - 1200).filter(
        (value) => Math.abs(value) < 150 || Math.abs(value) > 990,
      );
      for (const value of all)
        expect(writable(schema, String(value)), `${value} of ${minimum} to ${maximum}`).toBe(
          minimum <= value && value <= maximum,
        );
    }
    judge(
      { type: "number", minimum: -0.25, exclusiveMaximum: 1 },
      ["-0.25", "0", "0.0", "0.999999", "-0.1"],
      ["1", "-0.26", "1.0", "-1", "0.9999999", ".5", "-0"],
    );
    judge(
      { type: "number", exclusiveMinimum: 1e-9, maximum: 2e-9 },
      ["0.000000002", "0.0000000011"],
      ["0.000000001", "0", "0.0000000021"],
    );
    judge(
      { exclusiveMinimum: 0.1 + 0.2, maximum: 0.30001 },
      ["0.300001", "0.3000000000001"],
      ["0.3", "0.30002"],
    );
    judge(
      { type: "integer", exclusiveMinimum: 1.5, minimum: 1, exclusiveMaximum: 4 },
      ["2", "3"],
      ["1", "4"],
    );
  });

  test("strings by characters, not by bytes; escaped or not", () => {
    judge(
      { type: "string", minLength: 2, maxLength: 2 },
      ['"🦉é"', '"\\n\\u00e9"', '"\\"\\\\"'],
      ['"🦉"', '"aaa"', '"a\\"', '""'],
    );
    judge(
      { type: "string", pattern: "^[é🦉]$" },
      ['"é"', '"🦉"', '"\\u00E9"'],
      ['"e"', '"\\u00e8"', '"\\n"', '"éé"'],
    );
    judge(
      { type: "string", pattern: "^(?!no|.*x)\\w+$|^$" },
      ['""', '"yes"', '"n"'],
      ['"no"', '"not"', '"ax"', '"a b"'],
    );
    judge({ type: "string", pattern: "b" }, ['"b"', '"abc"', '"\\u0062"'], ['""', '"ac"']);
    judge(
      { type: "string", pattern: "^a*$", minLength: 2, maxLength: 3 },
      ['"aa"', '"aaa"'],
      ['"a"', '"aaaa"', '"ab"'],
    );
  });

  test("values, types, references", () => {
    judge(
      { enum: ["a", "ab", 1, null, [1, { b: 2 }]] },
      ['"a"', '"ab"', "1", "null", '[1,{"b":2}]'],
      ['"b"', "12", "[1]", '"\\u0061"'],
    );
    judge({ type: "string", enum: ["a", 1] }, ['"a"'], ["1"]);
    judge({ type: ["string", "null"], maxLength: 1 }, ["null", '"x"'], ['"xy"', "1"]);
    const list = {
      anyOf: [
        { type: "null" },
        {
          type: "array",
          prefixItems: [{ type: "integer" }, { $ref: "#/$defs/li~1st%20x" }],
          items: false,
          minItems: 2,
        },
      ],
    };
    judge(
      { $ref: "#/$defs/li~1st%20x", $defs: { "li/st x": list } },
      ["null", "[1,[2,[3,null]]]"],
      ["[1]", "[1,[]]"],
    );
    expect(writable({ anyOf: [{ $ref: "#" }, { const: 1 }] }, "1")).toBe(true);
    const shape = (kind: string, more: object): object => ({
      type: "object",
      properties: { kind: { const: kind }, ...more },
      required: ["kind"],
    });
    judge(
      { oneOf: [shape("a", { x: { type: "integer" } }), shape("b", { x: { type: "string" } })] },
      ['{"kind":"a","x":1}', '{"kind":"b","x":"1"}'],
      ['{"kind":"a","x":"1"}', '{"kind":"c"}'],
    );
  });

  test("formats as their validators read them", () => {
    for (const format of ["date", "time", "date-time", "email", "hostname", "ipv4", "uri", "uuid"])
      fits({ type: "string", format });
    judge(
      { type: "string", format: "date-time" },
      ['"2026-11-23T10:55:00Z"', '"1999-02-28T23:59:59.5+01:00"'],
      ['"2026-11-23"', '"2026-13-01T00:00:00Z"'],
    );
  });
});

describe("what is refused", () => {
  test("all unsupported keywords at once, with their places", () => {
    const problems = problemsOf({
      type: "object",
      properties: { a: { type: "array", uniqueItems: true, items: { not: {} } }, b: { type: "sting" } },
      patternProperties: {},
      minProperties: 1,
      "x-order": 1,
    });
    expect(problems).toEqual([
      '#: the keyword "patternProperties" is not supported',
      '#: the keyword "minProperties" is not supported',
    ]);
    const inner = problemsOf({
      properties: {
        a: { uniqueItems: true, items: { not: {} } },
        b: { type: "sting" },
        c: 1,
        d: { multipleOf: 2, minLength: -1 },
      },
    });
    expect(inner.map((line) => line.split(": ")[0])).toEqual([
      "#/properties/a",
      "#/properties/b",
      "#/properties/c",
      "#/properties/d",
      "#/properties/d",
    ]);
  });

  test("what nothing fits, and what has no end", () => {
    const endless = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };
    for (const schema of [
      endless,
      { type: "integer", minimum: 5, maximum: 4 },
      { type: "string", minLength: 3, maxLength: 2 },
      { $ref: "#" },
      { enum: ["a"], type: "integer" },
      { pattern: "a$b" },
      { properties: { a: false }, required: ["a"] },
      { type: "array", minItems: 2, maxItems: 1 },
    ]) {
      expect(problemsOf(schema)[0], JSON.stringify(schema)).toMatch(/none fits/);
    }
    judge({ properties: { a: false, b: endless, c: { const: 1 } } }, ["{}", '{"c":1}'], ['{"a":1}', '{"b":']);
  });

  test("branches of oneOf that may hold together, references to nowhere, patterns beyond automata, sizes", () => {
    expect(problemsOf({ oneOf: [{ type: "integer" }, { type: "number" }] })[0]).toMatch(/exclude each other/);
    expect(problemsOf({ oneOf: [{ required: ["a"] }, { type: "string" }] })[0]).toMatch(/exclude each other/);
    expect(problemsOf({ oneOf: [{ type: "integer" }, { type: "string" }, { const: true }] })).toEqual([]);
    for (const $ref of ["#/$defs/none", "https://example.org/a.json", "#/%"])
      expect(problemsOf({ $ref })[0]).toMatch(/\$ref must/);
    for (const pattern of ["^(a+)b\\1$", "\\bx", "(", "^(a|b)*a(a|b){30}$", "a".repeat(3000)])
      expect(problemsOf({ type: "string", pattern })[0], pattern).toMatch(/the pattern/);
    expect(problemsOf({ allOf: [{}, {}] })[0]).toMatch(/allOf/);
    expect(problemsOf({ $ref: "#/$defs/a", type: "object", $defs: { a: {} } })[0]).toMatch(
      /must stand alone/,
    );
    const many = Array.from({ length: 65 }, (_, i) => ({ type: "string", pattern: `^${i}$` }));
    expect(problemsOf({ prefixItems: many }).at(-1)).toMatch(/at most 64 patterns/);
    let deep: object = {};
    for (let i = 0; i < 100; i++) deep = { items: deep };
    expect(problemsOf(deep)[0]).toMatch(/64 schemas deep/);
    expect(problemsOf({ enum: Array.from({ length: 30_000 }, (_, i) => `${i}`.repeat(6)) })[0]).toMatch(
      /must be smaller/,
    );
  });
});

describe("the end", () => {
  const schema = {
    type: "object",
    properties: {
      title: { type: "string" },
      tags: { type: "array", items: { type: "string", minLength: 2 }, minItems: 2 },
      size: { type: "number" },
    },
    required: ["title", "tags", "size"],
  };

  test("comes in time for every number of tokens that is enough", () => {
    const fitsSchema = ajv.compile(schema);
    let shortest = Number.POSITIVE_INFINITY;
    for (let budget = 60; budget >= 10; budget--) {
      const constraint = jsonConstraint(schema, tokenizer, { maxNewTokens: budget });
      const { text, ended } = write(constraint, tokenizer, stubborn(budget), budget);
      if (!ended) continue;
      shortest = budget;
      expect(fitsSchema(JSON.parse(text)), text).toBe(true);
    }
    // {"title":"","tags":["..","..],"size":0} has 40 characters; what is a word of the vocabulary is one token.
    expect(shortest).toBeLessThan(36);
    const late = write(jsonConstraint(schema, tokenizer, { maxNewTokens: 45 }), tokenizer, stubborn(1), 45);
    expect(late.ended).toBe(true);
  });

  test("is the only thing that may follow complete JSON, and nothing else ends it", () => {
    const constraint = jsonConstraint({ const: true }, tokenizer);
    const logits = new Float32Array(tokenizer.vocabularySize + 5);
    const allowed = (): number[] => {
      logits.fill(1);
      constraint.forbid(logits);
      return [...logits.keys()].filter((id) => logits[id] > Number.NEGATIVE_INFINITY);
    };
    expect(allowed()).not.toContain(tokenizer.eosId);
    for (const letter of "true") constraint.accept(byteTokens.get(letter.charCodeAt(0))!);
    expect(allowed()).toEqual([tokenizer.eosId]);
    expect(() => constraint.accept(byteTokens.get(0x20)!)).toThrow(/allowed/);
  });

  test("special tokens are never allowed, other ends are", () => {
    const constraint = jsonConstraint({ type: "string" }, tokenizer, { eosTokenIds: [tokenizer.eosId, 9] });
    constraint.accept(byteTokens.get(0x22)!);
    const logits = new Float32Array(tokenizer.vocabularySize);
    constraint.forbid(logits);
    expect([tokenizer.bosId!, tokenizer.unkId, tokenizer.eosId].map((id) => logits[id])).toEqual(
      Array(3).fill(Number.NEGATIVE_INFINITY),
    );
    constraint.accept(byteTokens.get(0x22)!);
    constraint.forbid(logits.fill(0));
    expect([...logits.keys()].filter((id) => logits[id] === 0)).toEqual([tokenizer.eosId, 9]);
  });
});
