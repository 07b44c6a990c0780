import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { Owl } from "./index.ts";

let model: Awaited<ReturnType<typeof owlFixture>>;
let owl: Owl;
beforeAll(async () => {
  model = await owlFixture();
  const template =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ unk_token }}{% endfor %}" +
    "{% if add_generation_prompt %}[assistant]{% if mood is defined %} {{ mood }}{% endif %}{% endif %}";
  writeFileSync(join(model.directory, "chat_template.jinja"), template);
  writeFileSync(
    join(model.directory, "tokenizer_config.json"),
    JSON.stringify({ bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" }),
  );
  owl = await Owl.load(model.directory);
});
afterAll(async () => {
  await owl.close();
  model.remove();
});

test("a model is asked by its own chat template, and its answers end where that ends them", async () => {
  const message = { role: "user" as const, content: "hi <s>" };
  const { ids } = await owl.prompt(message);
  const { tokenizer } = owl;
  expect(tokenizer.decode(ids)).toContain("[user] hi <s>");
  expect(ids.filter((id) => id === tokenizer.bosId)).toHaveLength(1);
  const variables = await owl.prompt(message, { templateVariables: { mood: "glad" } });
  expect(tokenizer.decode(variables.ids)).toMatch(/\[assistant\] glad$/);
  expect(owl.defaults.eosTokenIds).toEqual([tokenizer.eosId, tokenizer.unkId]);
  const settings = { maxNewTokens: 2, templateVariables: { mood: "glad" } };
  expect(await owl.chat(message, settings).text()).toBe(
    (await owl.generate(variables, { maxNewTokens: 2 })).text,
  );
});
