import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { runCli } from "./program.ts";

const adapter = fileURLToPath(new URL("../../tests/fixtures/model/lora.safetensors", import.meta.url));

let model: Awaited<ReturnType<typeof owlFixture>>;
let folder: string;
beforeAll(async () => {
  model = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl-merge-cli-"));
});
afterAll(() => {
  model.remove();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function owl(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  for (const [stream, name] of [[process.stdout, "out"] as const, [process.stderr, "err"] as const]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      said[name] += chunk;
      return true;
    });
  }
  return { code: await runCli(words), ...said };
}

test("owl merge says what it did; the result answers as the model with its adapter", async () => {
  const output = join(folder, "merged");
  const made = await owl("merge", model.directory, "--adapter", adapter, "--out", output);
  expect(made.out).toMatch(/LoRA merged into 6 layers; [\d.]+ MB in 1 file\n/);
  expect(made.code).toBe(0);
  const question = ["--max-new-tokens", "8", "hi"];
  const together = await owl("chat", model.directory, "--adapter", adapter, ...question);
  const merged = await owl("chat", output, ...question);
  expect(merged).toMatchObject({ code: 0, out: together.out });
  expect((await owl("chat", model.directory, ...question)).out).not.toBe(together.out);
  const again = await owl("merge", model.directory, "--adapter", adapter, "--out", output);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("a directory without a model") });
});

test.each([
  [["merge", "nowhere", "--adapter", "x", "--out", "x"], "nowhere"],
  [["merge", "nowhere", "--out", "x"], "--adapter"],
  [["merge", "nowhere", "--adapter", "x", "--out", "x", "--float", "q4"], "q4"],
])("%j is a mistake in the words", async (words, text) => {
  const { code, err } = await owl(...words);
  expect(code).toBe(2);
  expect(err).toContain(text);
});
