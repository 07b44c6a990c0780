import { type Document, isMap, isScalar, LineCounter, parseDocument, type YAMLError } from "yaml";
import { z } from "zod";
import { fileSize, nearestName, pathKind, readText } from "../platform/index.ts";
import { currentNameOf, formerNameOf, withCurrentNames } from "../training/index.ts";
import { fileSchema, keysAt, type RecipeFile } from "./recipe-schema.ts";

/** What is wrong in a recipe, and where. */
export interface RecipeProblem {
  readonly file: string;
  /** Counted from 1; absent where something is missing. */
  readonly line?: number | undefined;
  readonly text: string;
}

/** One recipe file: its valid values, and what is wrong with the rest. */
export interface ReadRecipe {
  readonly values: RecipeFile;
  readonly problems: readonly RecipeProblem[];
  /** Whether the text is YAML with keys; otherwise no key can be said to be missing. */
  readonly isReadable: boolean;
  /** Keys of the file, valid or not. */
  readonly keys: ReadonlySet<string>;
  /** The line of a key, or of a value inside it. */
  lineOf(keyPath: readonly PropertyKey[]): number | undefined;
}

type Issue = z.core.$ZodIssue;

/** No recipe is longer, in bytes; files of rows are. */
const longestRecipe = 2 ** 20;

/** Whether a file is a recipe: by its name, or where it is JSON (`.json`) by its keys. */
export async function isRecipeFile(path: string): Promise<boolean> {
  if (/\.ya?ml$/i.test(path)) return true;
  if (!/\.json$/i.test(path) || (await pathKind(path)) !== "file") return false;
  if (((await fileSize(path)) ?? 0) > longestRecipe) return false;
  try {
    const value: unknown = JSON.parse(await readText(path));
    const content = z.union([
      z.object({ extends: z.string() }),
      z.object({ data: z.array(z.object({ file: z.string() })) }),
    ]);
    return content.safeParse(value).success;
  } catch {
    return false;
  }
}

/** Reads a recipe file's text, YAML or (its subset) JSON, key by key: one that is wrong does not hide the others. */
export async function readRecipeText(path: string): Promise<ReadRecipe> {
  const lines = new LineCounter();
  const source = await readText(path);
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): number => lines.linePos(offset).line;
  const lineOf = (keyPath: readonly PropertyKey[]): number | undefined => {
    const offset = offsetOf(document, keyPath);
    return offset === undefined ? undefined : at(offset);
  };
  const broken = document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
  // Errors behind the first one are its consequences.
  const errors = broken === undefined ? document.errors : [broken];
  const problems = errors.map(
    (error): RecipeProblem => ({ file: path, line: at(error.pos[0]), text: syntaxOf(error, source) }),
  );
  const content = broken === undefined ? contentOf(document, path, problems) : undefined;
  const checked = checkedContent(content ?? {}, (keyPath, text) =>
    problems.push({ file: path, line: lineOf(keyPath), text }),
  );
  return { ...checked, problems, isReadable: content !== undefined, lineOf };
}

/** The valid values of a recipe's content, by the current names of its keys, and all of its keys. */
export function checkedContent(
  content: Record<string, unknown>,
  onProblem: (keyPath: readonly PropertyKey[], text: string) => void,
): Pick<ReadRecipe, "values" | "keys"> {
  const raw = currentlyNamed(content, onProblem);
  const values = validKeys(raw, (issue) => {
    for (const { keyPath, text } of messagesOf(issue, raw)) onProblem(keyPath, text);
  });
  return { values, keys: new Set(Object.keys(raw)) };
}

function syntaxOf({ code, message, pos }: YAMLError, source: string): string {
  if (code === "DUPLICATE_KEY") return `${keyAt(source, pos[0])}: keys must be unique, got it again`;
  if (/^\s*\{.*\}\s*\n\s*\{/.test(source))
    return "the file: must be a recipe, got rows of data; a recipe names them: `data: [{ file: rows.jsonl }]`";
  return `the file: must be YAML, got what cannot be read: ${shortened(message.trim(), 160)}`;
}

const keyAt = (source: string, offset: number): string =>
  shortened(/^[^:\r\n]*/.exec(source.slice(offset, offset + 80))![0].trim());

/** The keys and values of a text; undefined where it is something else. */
function contentOf(
  document: Document,
  file: string,
  problems: RecipeProblem[],
): Record<string, unknown> | undefined {
  try {
    const content: unknown = document.toJS();
    if (isRecord(content)) return content;
    problems.push({ file, text: `the file: must have keys (\`extends: stage-2\`), got ${shown(content)}` });
  } catch (error) {
    problems.push({ file, text: error instanceof Error ? error.message : String(error) });
  }
  return undefined;
}

/** The offset of a key in the text, or of the value where it is an element of a list. */
function offsetOf(document: Document, keyPath: readonly PropertyKey[]): number | undefined {
  for (let length = keyPath.length; length > 0; length--) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(keyPath.slice(0, length - 1), true);
    const key = keyPath[length - 1];
    if (isMap(parent)) {
      const names = [key, formerNameOf(String(key))];
      const pair = parent.items.find(({ key: own }) => isScalar(own) && names.includes(own.value as string));
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(keyPath.slice(0, length), true);
    if (isRecord(node) && Array.isArray(node.range)) return Number(node.range[0]);
  }
  return undefined;
}

/** A recipe's content by the current names of its keys. */
function currentlyNamed(
  content: Record<string, unknown>,
  onProblem: (keyPath: readonly PropertyKey[], text: string) => void,
): Record<string, unknown> {
  const renamed = <T extends object>(values: T, keyPath: readonly PropertyKey[]): T =>
    withCurrentNames(values, ({ former, current }) =>
      onProblem([...keyPath, former], `${current}: ${former} is its former name; give one of the two`),
    );
  const files = (["data", "evaluation"] as const).flatMap((key) => {
    const list = content[key];
    if (!Array.isArray(list)) return [];
    return [[key, list.map((file: unknown, i) => (isRecord(file) ? renamed(file, [key, i]) : file))]];
  });
  return { ...renamed(content, []), ...Object.fromEntries(files) };
}

/** The keys that fit the schema; each issue is errors once. */
function validKeys(raw: Record<string, unknown>, onIssue: (issue: Issue) => void): RecipeFile {
  const first = fileSchema.safeParse(raw);
  if (first.success) return first.data;
  for (const issue of first.error.issues) onIssue(issue);
  const rest = fileSchema.safeParse(without(raw, first.error.issues));
  return rest.success ? rest.data : {};
}

/** A recipe without its invalid values: an unknown key alone is taken out, else the whole key or element of a list. */
function without(raw: Record<string, unknown>, issues: readonly Issue[]): Record<string, unknown> {
  const left = structuredClone(raw);
  for (const issue of issues) {
    const [key, index] = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      const holder = issue.path.reduce<unknown>((value, step) => valueAt(value, step), left);
      if (isRecord(holder)) for (const name of issue.keys) delete holder[name];
    } else if (Array.isArray(left[key]) && index !== undefined && (key === "data" || key === "evaluation")) {
      delete left[key][Number(index)];
    } else delete left[key];
  }
  for (const key of ["data", "evaluation"]) {
    const list = left[key];
    // Deleting left holes, which `flat` takes out.
    if (Array.isArray(list)) left[key] = list.flat(0);
    if (Array.isArray(left[key]) && left[key].length === 0) delete left[key];
  }
  return left;
}

function messagesOf(issue: Issue, raw: unknown): { keyPath: readonly PropertyKey[]; text: string }[] {
  if (issue.code !== "unrecognized_keys") {
    const value = issue.path.reduce<unknown>((holder, step) => valueAt(holder, step), raw);
    const must = issue.message
      .replace(/, received .*$/, "")
      .replace(/^Invalid input: expected /, "must be of type ");
    const text = value === undefined ? `missing: ${must}` : `${must}, got ${shown(value)}`;
    return [{ keyPath: issue.path, text: `${pathName(issue.path)}: ${text}` }];
  }
  return issue.keys.map((key) => {
    const known = keysAt(issue.path);
    const former = known.flatMap((name) => formerNameOf(name) ?? []);
    const near = nearestName(key, [...known, ...former]);
    const hint =
      near === undefined ? "docs/training.md lists the keys" : `did you mean ${currentNameOf(near)}?`;
    const keyPath = [...issue.path, key];
    return { keyPath, text: `${pathName(keyPath)}: no such key; ${hint}` };
  });
}

const pathName = (keyPath: readonly PropertyKey[]): string => shortened(keyPath.map(String).join("."));
const valueAt = (holder: unknown, step: PropertyKey): unknown =>
  typeof holder === "object" && holder !== null ? (holder as Record<PropertyKey, unknown>)[step] : undefined;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const shortened = (text: string, longest = 60): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
/** As JSON has it, but for numbers that it does not know. */
const shown = (value: unknown): string =>
  shortened(typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value)));
