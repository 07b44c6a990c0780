import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** One name that an import path publishes. */
export interface PublishedName {
  readonly name: string;
  /** Its declarations in the package's .d.ts files: one, or one for each overload. */
  readonly declarations: readonly ts.Declaration[];
}

/** What the package's .d.ts files declare. */
export class PublishedDeclarations {
  readonly #folder = mkdtempSync(join(tmpdir(), "owl-declarations-"));
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;

  /** @param sources The published source files, such as `src/index.ts` */
  constructor(sources: Iterable<string>) {
    const words = ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", this.#folder];
    execFileSync(join(root, "node_modules/.bin/tsc"), words, { cwd: root });
    // Names are looked up, types are not checked: the libraries are not needed.
    const options: ts.CompilerOptions = {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noLib: true,
      types: [],
    };
    this.#program = ts.createProgram(
      [...sources].map((source) => this.#declared(source)),
      options,
    );
    this.#checker = this.#program.getTypeChecker();
    rmSync(this.#folder, { recursive: true });
  }

  #declared(source: string): string {
    return join(this.#folder, source.replace(/^src\//, "").replace(/\.ts$/, ".d.ts"));
  }

  /** What a source file exports, sorted by name. */
  namesOf(source: string): PublishedName[] {
    const file = this.#program.getSourceFile(this.#declared(source));
    const module = file && this.#checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${source}: must export something, exports nothing`);
    return this.#checker
      .getExportsOfModule(module)
      .map((symbol) => ({ name: symbol.name, declarations: this.#resolved(symbol).declarations ?? [] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * The package's own exported types that a declaration refers to. Types that a file keeps to itself and constants whose type
   * is taken (`typeof`) count as the types that they are made of.
   */
  referencesOf(declaration: ts.Declaration): ts.Declaration[] {
    const found = new Set<ts.Declaration>();
    const entered = new Set<ts.Node>();
    const visit = (node: ts.Node): void => {
      const name = referencedName(node);
      const symbol = name && this.#checker.getSymbolAtLocation(name);
      const target = symbol && this.#resolved(symbol).declarations?.[0];
      if (target && isTopLevel(target) && this.pathOf(target) !== undefined) {
        if (isExportedType(target)) found.add(target);
        else if (!entered.has(target)) visit(target);
        entered.add(target);
      }
      ts.forEachChild(node, visit);
    };
    visit(declaration);
    return [...found];
  }

  /** The .d.ts file of a declaration from the package's root, if it is the package's own. */
  pathOf(declaration: ts.Declaration): string | undefined {
    const path = declaration.getSourceFile().fileName;
    return path.startsWith(this.#folder) ? path.slice(this.#folder.length + 1) : undefined;
  }

  /** `StateDict of checkpoint/tensor-source.d.ts` */
  nameOf(declaration: ts.Declaration): string {
    return `${ts.getNameOfDeclaration(declaration)?.getText()} of ${this.pathOf(declaration)}`;
  }

  /** What an imported or re-exported name stands for. */
  #resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }
}

/** The name in `X`, `a.X`, `typeof X`, `extends X` and `import("…").X`. */
function referencedName(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return rightmost(node.typeName);
  if (ts.isTypeQueryNode(node)) return rightmost(node.exprName);
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  return ts.isImportTypeNode(node) && node.qualifier ? rightmost(node.qualifier) : undefined;
}

const rightmost = (name: ts.EntityName): ts.Node => (ts.isQualifiedName(name) ? name.right : name);

/** Neither a type parameter nor a member of a type. */
const isTopLevel = (node: ts.Node): boolean =>
  ts.isSourceFile(node.parent) || ts.isVariableDeclarationList(node.parent);

const isExportedType = (node: ts.Declaration): boolean =>
  !ts.isVariableDeclaration(node) && (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0;
