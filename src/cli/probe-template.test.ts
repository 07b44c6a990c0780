import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { builtOwl } from "../../tests/setup/programs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-"));
  copyFileSync(join(root, "tests/fixtures/text/tokenizer.json"), join(folder, "tokenizer.json"));
  const written = { bos_token: "<s>", eos_token: { content: "</s>" }, chat_template: "never read" };
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(written));
  copyFileSync(join(root, "tests/fixtures/templates/header-date.jinja"), join(folder, "chat_template.jinja"));
  mkdirSync(join(folder, "additional_chat_templates"));
  writeFileSync(
    join(folder, "additional_chat_templates/tool_use.jinja"),
    "{{ bos_token }}{{ tools | tojson }}{{ documents is none }}{{ messages[-1].content }}",
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

test("owl probe template writes what the directory's templates write, or their errors", async () => {
  const one = [{ role: "user", content: "hi 🦉 </s>" }];
  const lines = [
    { messages: one, options: { add_generation_prompt: true }, now: "2025-03-07T09:05:02" },
    { messages: one, options: { tools: [{ type: "function", least: 1 }] } },
    { messages: [{ role: "assistant", content: null }], now: 0 },
    { messages: [] },
    {
      messages: [...one, { role: "assistant", content: "ho  " }],
      options: { continue_final_message: true, date_string: "d" },
    },
  ];
  const [node, program] = await builtOwl();
  const child = spawn(node, [program, "probe", "template", folder], { cwd: root });
  let out = "";
  child.stdout.on("data", (bytes: Buffer) => {
    out += bytes;
  });
  child.stdin.end(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
  await new Promise((resolve) => child.on("close", resolve));
  const head = (role: string): string => `<|start_header_id|>${role}<|end_header_id|>\n\n`;
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      text: `<s>${head("system")}\nDay: 07 Mar 2025\n\n<|eot_id|>${head("user")}hi 🦉 </s><|eot_id|>${head("assistant")}`,
    },
    { text: '<s>[{"type": "function", "least": 1}]Truehi 🦉 </s>' },
    { text: `<s>${head("system")}\nDay: 01 Jan 1970\n\n<|eot_id|>${head("assistant")}None<|eot_id|>` },
    { error: "there must be a message, got none" },
    {
      text: `<s>${head("system")}\nDay: d\n\n<|eot_id|>${head("user")}hi 🦉 </s><|eot_id|>${head("assistant")}ho`,
    },
  ]);
}, 120_000);
