import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { runCli } from "./program.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/parts/${path}`, import.meta.url));

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

test("owl assemble says what each part takes, and what to do next", async () => {
  const directory = mkdtempSync(join(tmpdir(), "owl-assemble-cli-"));
  try {
    const output = join(directory, "mine");
    const parts = ["--vision", fixture("clip"), "--language", fixture("llama2"), "--out", output];
    const { code, out, err } = await owl("assemble", ...parts, "--queries", "5", "--layers", "1");
    expect(err).toContain("ready for stage 1");
    expect(code).toBe(0);
    expect(out).toMatch(/vision encoder +0\.02 M +47 kB/);
    expect(out).toMatch(/visual abstractor +0\.02 M +91 kB/);
    expect(out).toMatch(/language model +0\.03 M +59 kB/);
    expect(out).toContain("1 file of weights");
    expect((await owl("inspect", output)).out).toContain("[1, 5, 24]");
    const again = await owl("assemble", ...parts);
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining("a directory without a model") });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("parts that are not there are a mistake in the words", async () => {
  const { code, err } = await owl("assemble", "--vision", "nowhere", "--language", "nowhere", "--out", "x");
  expect(code).toBe(2);
  expect(err).toContain("nowhere");
});
