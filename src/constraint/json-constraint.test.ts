import { readFile } from "node:fs/promises";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { createTokenizer, loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { jsonConstraint } from "./index.ts";
import { fickle, stubborn, write } from "./testing/sample-json.ts";

const ajv = new Ajv2020.default({ strict: false });
addFormats.default(ajv);

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer("models/owl-nano");
});

const letter = fc.constantFrom("a", "b", "é", "🦉", '"', "\\", "\n", "\u2028");

/** Schemas of everything that is supported, without those that nothing fits. */
const { schema: anySchema } = fc.letrec<{ schema: object; leaf: object }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<object>(
      { type: "integer" },
      { type: "number" },
      { type: "boolean" },
      { type: "null" },
      { type: ["string", "null"] },
      { type: "string", pattern: "^[a-f]+(-[0-9]{2})?$" },
      { type: "string", pattern: "é|🦉", maxLength: 12 },
      { type: "string", pattern: "^(?!no)[a-z]{2,6}$", minLength: 3 },
      { type: "string", format: "date" },
      { const: { a: [1, "two\n", null] } },
      {},
    ),
    fc
      .tuple(fc.nat(6), fc.nat(6))
      .map(([minLength, more]) => ({ type: "string", minLength, maxLength: minLength + more })),
    fc
      .tuple(fc.integer({ min: -2000, max: 2000 }), fc.nat(300), fc.boolean())
      .map(([minimum, more, whole]) => ({
        type: whole ? "integer" : "number",
        minimum: minimum / (whole ? 1 : 8),
        maximum: (minimum + more) / (whole ? 1 : 8),
      })),
    fc
      .array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 5 })
      .map((values) => ({ enum: values })),
  ),
  schema: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc
      .tuple(
        fc.uniqueArray(fc.string({ unit: letter, maxLength: 3 }), { maxLength: 4 }),
        fc.array(tie("schema"), { minLength: 4, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.option(fc.oneof(fc.boolean(), tie("schema")), { nil: undefined }),
      )
      .map(([names, schemas, required, additionalProperties]) => ({
        type: "object",
        properties: Object.fromEntries(names.map((name, i) => [name, schemas[i]])),
        required: names.filter((_, i) => required[i]),
        ...(additionalProperties !== undefined && { additionalProperties }),
      })),
    fc
      .tuple(
        tie("schema"),
        fc.nat(3),
        fc.option(fc.nat(3), { nil: undefined }),
        fc.array(tie("schema"), { maxLength: 2 }),
      )
      .map(([items, minItems, more, prefixItems]) => ({
        type: "array",
        items,
        minItems,
        ...(more !== undefined && { maxItems: minItems + more }),
        ...(prefixItems.length > 0 && { prefixItems }),
      })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((schemas) => ({
      oneOf: schemas.map((value, i) => ({
        type: "object",
        properties: { kind: { const: i }, value },
        required: ["kind"],
        additionalProperties: false,
      })),
    })),
  ),
}));

/** Whatever a model wants, what it writes fits the schema. */
function alwaysFits(judged: Tokenizer, numRuns: number): void {
  const budget = 250;
  const property = fc.property(anySchema, fc.integer(), fc.boolean(), (schema, seed, isStubborn) => {
    const constraint = jsonConstraint(schema, judged, { maxNewTokens: budget });
    const { text, ended } = write(constraint, judged, (isStubborn ? stubborn : fickle)(seed), budget);
    expect(ended).toBe(true);
    const fits = ajv.compile(schema);
    expect(fits(JSON.parse(text)), `${text} against ${JSON.stringify(schema)}`).toBe(true);
  });
  fc.assert(property, { numRuns, seed: 42 });
}

describe("whatever the logits say, the text parses and fits", () => {
  test("with owl-nano's tokenizer", () => alwaysFits(tokenizer, 200));

  test("with byte-level tokens", async () => {
    const folder = "tests/fixtures/parts/llama3";
    alwaysFits(await loadTokenizer(folder), 30);
  });

  test("with the tokens of small tests, which have no special settings", async () => {
    const json = JSON.parse(await readFile("tests/fixtures/text/tokenizer.json", "utf8"));
    alwaysFits(createTokenizer(json), 40);
  });

  test.skipIf(!sharedAvailable)("with LLaMA's 32,000 tokens", async () => {
    alwaysFits(await loadTokenizer(shared("golden/tiny-image")), 15);
  });

  test.skipIf(!sharedAvailable)("with BLOOM's kind of tokens", async () => {
    alwaysFits(await loadTokenizer(shared("golden/tiny-bloom")), 40);
  });
});
