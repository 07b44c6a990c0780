import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlServer } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "owl-clients-"));
const run = promisify(execFile);

let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
beforeAll(async () => {
  served = await owlServer();
  socket = await onSocket(served.server);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "examples"));
  symlinkSync(join(root, "examples/owl.png"), join(folder, "examples/owl.png"));
});
afterAll(async () => {
  await socket.close();
  await served.close();
  rmSync(folder, { recursive: true });
});

/** The blocks of docs/serving.md that are marked so, as printed but for the port. */
const examples = (mark: string): string[] =>
  [...readFileSync(join(root, "docs/serving.md"), "utf8").matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, language]) => language === mark)
    .map(([, , code]) => code.replaceAll("http://127.0.0.1:8080", socket.url));

const own = (content: string): Promise<string> => served.owl.chat([{ role: "user", content }]).text();

test("docs/serving.md's programs run as printed", async () => {
  const programs = examples("ts");
  expect(programs).toHaveLength(2);
  for (const [i, code] of programs.entries()) writeFileSync(join(folder, `${i}.mts`), code);
  writeFileSync(join(folder, "all.mts"), programs.map((_, i) => `await import("./${i}.mts");`).join("\n"));
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const { stdout, stderr } = await run(process.execPath, ["--import", tsx, "all.mts"], { cwd: folder });
  const [picture, text, object] = stdout.trimEnd().split("\n");
  expect(stderr).toBe("");
  expect(picture).toContain("owl");
  expect(text).toBe(await own("what do cats eat?"));
  expect(object).toMatch(/ (true|false)$/);
}, 60_000);

test("and so do its command lines", async () => {
  const [command, ...others] = examples("sh");
  expect(others).toEqual([]);
  const { stdout } = await run("sh", ["-c", command], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    choices: [{ message: { content: await own("what do cats eat?") } }],
  });
});
