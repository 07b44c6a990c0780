import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { anchorsIn } from "./headings.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...["docs", "owl-nano", "web"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
      .map((name) => `${folder}/${name}`),
  ),
];

/** The paths of the annotated tree: two spaces a level. */
function treePaths(document: string): string[] {
  const block = /## The tree\n[\s\S]*?```\n([\s\S]*?)```/.exec(document)?.[1] ?? "";
  const parents: string[] = [];
  return block
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const depth = (line.length - line.trimStart().length) / 2;
      parents.length = depth;
      parents.push(line.trim().split(/\s/)[0]);
      return join(...parents);
    });
}

test("the tree of CONTRIBUTING.md names every folder of src, and nothing that is not there", () => {
  const paths = treePaths(read("CONTRIBUTING.md"));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const folders = readdirSync(join(root, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}/`);
  expect(folders.filter((folder) => !paths.includes(folder))).toEqual([]);
});

test("links between the documents lead somewhere, to a heading where they name one", () => {
  const leadsSomewhere = (path: string, anchor: string | undefined): boolean =>
    existsSync(join(root, path)) &&
    (anchor === undefined || !path.endsWith(".md") || anchorsIn(read(path)).includes(anchor));
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
      .map(([, target, anchor]) => [target === "" ? document : join(document, "..", target), anchor])
      .filter(([path, anchor]) => !leadsSomewhere(path, anchor))
      .map((target) => `${document}: ${target.join("#")}`),
  );
  expect(broken).toEqual([]);
});

test("the files that documents name are there", () => {
  const named = documents.flatMap((document) =>
    [...read(document).matchAll(/`((?:src|tests|bench|docs|web|scripts|examples)\/[\w./-]*)`/g)].map(
      ([, path]) => ({ document, path }),
    ),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
});

test("the commands of the documents exist", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const used = documents.flatMap((document) =>
    [...read(document).matchAll(/npm run (?:-s |--silent )?([\w-][\w:-]*)/g)].map(([, name]) => name),
  );
  expect(used).toContain("owl");
  expect(used.filter((name) => !(name in scripts))).toEqual([]);
});
