import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { builtOwl } from "../../tests/setup/programs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What `owl chat` writes when it is asked these lines in a pipe. */
async function chat(lines: string): Promise<{ out: string; err: string; code: unknown }> {
  const [node, program] = await builtOwl();
  const words = [program, "chat", "--max-new-tokens", "6", "--threads", "1"];
  const child = spawn(node, words, { cwd: root });
  const said = { out: "", err: "" };
  child.stdout.on("data", (bytes: Buffer) => (said.out += bytes));
  child.stderr.on("data", (bytes: Buffer) => (said.err += bytes));
  child.stdin.end(lines);
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { ...said, code };
}

it("owl chat goes on for ever: the oldest turns are left out, and it says so when that changes", async () => {
  const { code, ...said } = await chat(
    `${"what do cats eat, and where do they sleep? ".repeat(4)}\n`.repeat(30),
  );
  expect(code, said.err).toBe(0);
  expect(said.out.trimEnd().split("\n").length).toBeGreaterThanOrEqual(30);
  const notes = said.err.match(/\(The conversation no longer fits .* left out\.\)/g) ?? [];
  expect(notes.length).toBeGreaterThan(3);
  // Each of these is new: a turn more is gone.
  expect(new Set(notes).size).toBe(notes.length);
});

it("a question that is too long costs neither its picture nor the questions after it", async () => {
  const { out, err, code } = await chat(
    `/image examples/owl.png\n${"what is this? ".repeat(350)}\nwhat is this?\n`,
  );
  expect(code).toBe(1);
  expect(err).toContain("must fit the model's 1024 positions");
  expect(err.match(/picture for the next question: owl\.png/g)).toHaveLength(2);
  expect(out).toContain("owl");
});
