import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { skipCurl } from "../../tests/setup/curl.ts";
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

test("docs/serving.md names every code of an error, and none that is not there", () => {
  const text = readFileSync(join(root, "docs/serving.md"), "utf8");
  const table = /## Errors([\s\S]*?)\n## /.exec(text)?.[1] ?? "";
  const documented = [
    ...table.matchAll(/`([a-z]+_[a-z_]+|closed|compressed|malformed|overloaded|stopping|timeout)`/g),
  ];
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) =>
      readFileSync(join(folder, name), "utf8").replaceAll(/\$\{(what|kindOf\([^}]*\))\}/g, "image"),
    )
    .join("\n");
  const codes = [...sources.matchAll(/code: ["`]([a-z_]+)["`]|["`](\w+_(?:image|image_\w+))["`]\)/g)];
  const used = new Set(codes.map(([, one, other]) => one ?? other));
  expect([...used].filter((code) => !table.includes(`\`${code}\``))).toEqual([]);
  const names = documented.map(([, code]) => code);
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((code) => !new RegExp(`["\`]${code}["\`]`).test(sources))).toEqual([]);
});

test.skipIf(skipCurl)("docs/serving.md's command lines run as printed", async () => {
  const [command, ...others] = examples("sh");
  expect(others).toEqual([]);
  const { stdout } = await run("sh", ["-c", command], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    choices: [{ message: { content: await own("what do cats eat?") } }],
  });
});
