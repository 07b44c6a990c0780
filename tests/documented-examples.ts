import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

export interface DocumentedExample {
  /** Such as `docs/library.md, example 2`. */
  readonly where: string;
  readonly code: string;
}

/** The blocks marked `ts` of a text that use the package. */
function examplesIn(path: string, text: string): DocumentedExample[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map((match, i) => ({ where: `${path}, example ${i + 1}`, code: match[1] }))
    .filter(({ code }) => code.includes('from "mplug-owl'));
}

const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md"),
);
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name}`);

/** Every example of the documents and of doc comments. */
export const documentedExamples: readonly DocumentedExample[] = [
  ...documents.flatMap((path) => examplesIn(path, read(path))),
  ...sources.flatMap((path) => examplesIn(path, read(path).replaceAll(/^ +\* ?/gm, ""))),
];
