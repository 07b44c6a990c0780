import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const document = fileURLToPath(new URL("../../docs/browser.md", import.meta.url));

/** Writes the files of docs/browser.md: its blocks that are marked with a name. */
export function writeDocumentedProject(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const text = readFileSync(document, "utf8");
  for (const [, name, code] of text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)) {
    writeFileSync(join(directory, name), code);
  }
}
