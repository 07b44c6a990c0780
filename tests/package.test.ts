import { execFile } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeDocumentedProject } from "./browser/documented-project.ts";
import { documentedExamples } from "./documented-examples.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "owl-package-"));
const installed = join(project, "node_modules/mplug-owl");

async function run(command: string, words: readonly string[], cwd = project): Promise<string> {
  try {
    return (await promisify(execFile)(command, words, { cwd })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${words.join(" ")}: must succeed, got\n${stdout}${stderr}`);
  }
}

interface Manifest {
  readonly exports: Record<string, unknown>;
}
const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
const nameOf = (subpath: string): string => `mplug-owl${subpath.slice(1)}`;

// What a stranger does: an empty project, the packed package, its dependencies.
beforeAll(async () => {
  await run("npm", ["run", "--silent", "build"], root);
  const packed = await run(
    "npm",
    ["pack", "--silent", "--ignore-scripts", "--pack-destination", project],
    root,
  );
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
  const quietly = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  await run("npm", ["install", `./${packed.trim()}`, ...quietly]);
  const mebibytes = (statSync(join(project, packed.trim())).size / 2 ** 20).toFixed(1);
  console.info(`the packed package: ${mebibytes} MiB`);
}, 300_000);
afterAll(() => rmSync(project, { recursive: true }));

test("every folder of src with a door is a subpath", () => {
  const folders = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /^(\w+\/)?index\.ts$/.test(path))
    .map((path) => (path === "index.ts" ? "." : `./${path.split("/")[0]}`));
  expect(subpaths.toSorted()).toEqual(folders.toSorted());
});

test("it holds what is built, the licence, and no tests", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
  expect(files).toEqual(expect.arrayContaining(["LICENSE", "NOTICE", "README.md", "dist/index.js"]));
  expect(files.filter((path) => /\.test\.|testing|\.ts$/.test(path) && !path.endsWith(".d.ts"))).toEqual([]);
});

test("the root and every subpath can be imported", async () => {
  const imports = subpaths.map((path) => `await import("${nameOf(path)}")`);
  writeFileSync(
    join(project, "imports.js"),
    `const doors = [${imports.join(", ")}];\nconsole.log(doors.length);`,
  );
  expect((await run(process.execPath, ["imports.js"])).trim()).toBe(String(subpaths.length));
});

test("the types fit: every documented example and every subpath compiles", async () => {
  for (const [i, { code }] of documentedExamples.entries()) writeFileSync(join(project, `${i}.ts`), code);
  const imports = subpaths.map((path, i) => `import type * as door${i} from "${nameOf(path)}";`);
  const uses = subpaths.map((_, i) => `typeof door${i}`);
  writeFileSync(
    join(project, "doors.ts"),
    `${imports.join("\n")}\nexport type Doors = [${uses.join(", ")}];\n`,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    module: "NodeNext",
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", "."]);
}, 120_000);

test("a bundler builds the page of docs/browser.md with it, and nothing of Node's gets in", async () => {
  const page = join(project, "page");
  writeDocumentedProject(page);
  writeFileSync(join(page, "vite.config.js"), 'export default { worker: { format: "es" } };');
  symlinkSync(join(root, "node_modules/onnxruntime-web"), join(project, "node_modules/onnxruntime-web"));
  await run(join(root, "node_modules/.bin/vite"), ["build", "--minify", "false"], page);
  const files = readdirSync(join(page, "dist/assets"));
  expect(files.some((name) => name.endsWith(".wasm"))).toBe(true);
  const scripts = files.filter((name) => name.endsWith(".js"));
  const text = scripts.map((name) => readFileSync(join(page, "dist/assets", name), "utf8")).join("\n");
  expect(text).toContain("WorkerOwl");
  expect(text).not.toMatch(/__vite-browser-external:|koffi|from "node:/);
}, 120_000);

/** The first block of a document with this heading line, such as "```ts" or "```js hono.js". */
function programOf(document: string, fence: string): string {
  const text = readFileSync(join(root, document), "utf8");
  const start = text.indexOf(`\n${fence}\n`) + fence.length + 2;
  return text.slice(start, text.indexOf("\n```", start));
}

async function runProgram(name: string, code: string): Promise<string> {
  writeFileSync(join(project, name), code);
  return run(process.execPath, [name]);
}

test("the first programs of README.md and docs/library.md run as printed, without a compiler", async () => {
  expect(await runProgram("readme.js", programOf("README.md", "```ts"))).toBe("this is an owl.");
  cpSync(join(installed, "examples"), join(project, "examples"), { recursive: true });
  const said = await runProgram("library.js", programOf("docs/library.md", "```ts"));
  expect(said).toMatch(/^this is an owl\..*cat/s);
}, 60_000);

test("the programs for Hono and the AI SDK run as printed", async () => {
  for (const name of ["ai", "@ai-sdk"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  const ai = await runProgram("ai-sdk.js", programOf("docs/library.md", "```js ai-sdk.js"));
  expect(ai).toMatch(/^this is an owl\..*canFly/s);
  writeFileSync(join(project, "hono.js"), programOf("docs/library.md", "```js hono.js"));
  const messages = [{ role: "user", content: "what do cats eat?" }];
  const asks = `import { app } from "./hono.js";
    const body = ${JSON.stringify(JSON.stringify({ model: "owl-nano", messages }))};
    const headers = { "content-type": "application/json" };
    console.log(await (await app.request("/")).text());
    const reply = await app.request("/v1/chat/completions", { method: "POST", headers, body });
    console.log(reply.status, (await reply.json()).choices[0].message.content);
    console.log((await app.request("/v1/none")).status);
    process.exit();`;
  expect(await runProgram("asks-hono.js", asks)).toMatch(/^hello\n200 .*\n404\n$/);
}, 60_000);

test("its command runs, and knows the shipped owl by its name", async () => {
  const owl = join(project, "node_modules/.bin/owl");
  expect(await run(owl, ["chat", "owl-nano", "what do cats eat?"])).toMatch(/\w/);
  expect(await run(owl, ["inspect", "owl-nano"])).toContain("query_tokens");
  const help = await run(join(project, "node_modules/.bin/owl"), ["--help"]);
  expect(help).toContain("owl chat");
});
