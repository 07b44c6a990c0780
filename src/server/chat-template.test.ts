import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { Owl } from "../owl/index.ts";
import { createServer } from "./server.ts";
import { poster } from "./testing/owl-server.ts";

const templates = fileURLToPath(new URL("../../tests/fixtures/templates", import.meta.url));
let model: Awaited<ReturnType<typeof owlFixture>>;
let plain: Awaited<ReturnType<typeof owlFixture>>;
let owls: Owl[];
let server: ReturnType<typeof createServer>;
beforeAll(async () => {
  model = await owlFixture();
  plain = await owlFixture();
  copyFileSync(join(templates, "inst.jinja"), join(model.directory, "chat_template.jinja"));
  const named = JSON.stringify({ bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" });
  writeFileSync(join(model.directory, "tokenizer_config.json"), named);
  owls = [await Owl.load(model.directory, { threads: 1 }), await Owl.load(plain.directory, { threads: 1 })];
  const [m, p] = owls;
  server = createServer({
    models: { m: { owl: m, directory: model.directory }, p: { owl: p, directory: plain.directory } },
  });
});
afterAll(async () => {
  await server.close();
  for (const owl of owls) await owl.close();
  model.remove();
  plain.remove();
});

const ask = (name: string, messages: object[], more: object = {}) =>
  poster(server)("/v1/chat/completions", { model: name, messages, max_tokens: 1, ...more });

test("requests are written by the model's chat template, which is told what they say for it", async () => {
  const messages = [
    { role: "system", content: "be brief" },
    { role: "user", content: "hi </s>" },
  ];
  const reply = await ask("m", messages, { chat_template_kwargs: { bos_token: "<s><s>" } });
  const { usage } = await reply.json();
  const { ids } = await owls[0].prompt(messages as never);
  expect(usage.prompt_tokens).toBe(ids.length + 1);
  expect(owls[0].tokenizer.decode(ids)).toContain("[INST] be brief\n\nhi </s>[/INST]");
});

test("what the template refuses is the client's error, in its own words", async () => {
  const two = [
    { role: "user", content: "a" },
    { role: "user", content: "b" },
  ];
  const reply = await ask("m", two);
  expect(reply.status).toBe(400);
  expect((await reply.json()).error.message).toContain("turn 2 may not be by user");
});

test("variables for a model without a chat template are an error", async () => {
  const given = { chat_template_kwargs: { enable_thinking: false } };
  const reply = await ask("p", [{ role: "user", content: "a" }], given);
  expect(reply.status).toBe(400);
  expect((await reply.json()).error.message).toContain("must be for a model with a chat template");
});
