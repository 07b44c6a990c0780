import ts from "typescript";
import type { PublishedDeclarations } from "./declarations.ts";

const printer = ts.createPrinter({ removeComments: true });

/**
 * The published surface as text: every import path with its names, each with its signature as the package's .d.ts files have it.
 * A name that several paths share stands under the first.
 *
 * @param sources import path → published source file
 */
export function surfaceText(
  declarations: PublishedDeclarations,
  sources: ReadonlyMap<string, string>,
): string {
  const firstPaths = new Map<ts.Declaration, string>();
  const aliases = new Map<string, string>();
  const sections: string[] = [];
  for (const [path, source] of sources) {
    const other = aliases.get(source);
    if (other !== undefined) {
      sections.push(`# ${path}: the same as ${other}`);
      continue;
    }
    aliases.set(source, path);
    const entries = declarations.namesOf(source).map(({ name, declarations: all }) => {
      const first = firstPaths.get(all[0]);
      if (first !== undefined) return `${name}: see ${first}`;
      firstPaths.set(all[0], path);
      return all.map(signature).join("\n");
    });
    sections.push(`# ${path}`, ...entries);
  }
  return `${sections.join("\n\n")}\n`;
}

function signature(declaration: ts.Declaration): string {
  const text = printer.printNode(ts.EmitHint.Unspecified, declaration, declaration.getSourceFile());
  const plain = text.replace(/^(?:export |declare )+/, "");
  return ts.isVariableDeclaration(declaration) ? `const ${plain}` : plain;
}
