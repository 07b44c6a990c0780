import { adapterFile, besideAdapter, indexFile, weightFormats, wholeFile } from "../checkpoint/index.ts";
import { modelFiles, settingsFiles } from "../model-files/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { HubError } from "./errors.ts";

/** A way to store weights: one file, or else an index that names the files of its directory. */
interface Layout {
  readonly index?: string;
  readonly whole: string;
}

/** What a directory can be: its settings file, and the layouts of its weights, the preferred first. */
const KINDS: readonly {
  readonly settings: string;
  readonly layouts: readonly Layout[];
  /** More files of tensors, as far as they are there. */
  readonly beside: readonly string[];
}[] = [
  {
    settings: modelFiles.config,
    layouts: weightFormats.map((format) => ({ whole: wholeFile(format), index: indexFile(format) })),
    beside: [],
  },
  {
    settings: modelFiles.adapterConfig,
    layouts: weightFormats.map((format) => ({ whole: adapterFile(format) })),
    beside: besideAdapter,
  },
];

/** A repo's files that a model or an adapter needs. */
export interface RequiredFiles {
  /** Small files, which are fetched first: a directory with weights is complete then. */
  readonly settings: readonly string[];
  /** An index whose files are needed too, or a file: for a model and for an adapter, and what lies beside an adapter's. */
  readonly weights: readonly { readonly path: string; readonly isIndex: boolean }[];
}

/** Every file that may belong to a model or an adapter but need not be in a repo, beside its weights. */
export const optionalFiles: readonly string[] = [
  ...new Set([...settingsFiles, ...KINDS.flatMap(({ settings, beside }) => [settings, ...beside])]),
];

/** Every file that weights of a directory may be named by. */
export const weightFiles: readonly string[] = KINDS.flatMap(({ layouts }) =>
  layouts.flatMap(({ index, whole }) => (index === undefined ? [whole] : [whole, index])),
);

/** Chooses among the names of a repo's files: the weights in the first format of the table that is there. */
export function requiredFiles(names: ReadonlySet<string>): RequiredFiles {
  const kinds = KINDS.filter(({ settings }) => names.has(settings));
  const chosen = kinds.flatMap(({ layouts, beside }) => {
    const more = beside.filter((path) => names.has(path)).map((path) => ({ path, isIndex: false }));
    // The weights that make a directory whole come last, so that one that a stopped download left is not taken for whole.
    for (const { index, whole } of layouts) {
      if (names.has(whole)) return [...more, { path: whole, isIndex: false }];
      if (index !== undefined && names.has(index)) return [...more, { path: index, isIndex: true }];
    }
    return [];
  });
  const settings = [...settingsFiles, ...kinds.map((kind) => kind.settings)].filter((name) =>
    names.has(name),
  );
  return { settings: [...new Set(settings)], weights: chosen };
}

/** The weight files that an index names. */
export async function indexedFiles(indexPath: string): Promise<string[]> {
  const index = await readJson(indexPath);
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : null;
  const files = typeof map === "object" && map !== null ? Object.values(map) : [];
  const isName = (file: unknown): file is string => typeof file === "string" && /^[^/\\]+$/.test(file);
  if (files.length > 0 && files.every(isName)) return [...new Set(files)];
  throw new HubError(
    `${indexPath}: must name weight files of its own directory in weight_map, got something else; tell the repo's owner`,
  );
}

/** Whether a directory holds a model or an adapter with all of its weights. */
export async function isComplete(directory: string): Promise<boolean> {
  const holds = async (name: string): Promise<boolean> =>
    (await pathKind(joinPath(directory, name))) === "file";
  for (const { settings, layouts } of KINDS) {
    if (!(await holds(settings))) continue;
    for (const { index, whole } of layouts) {
      if (await holds(whole)) return true;
      if (index !== undefined && (await holds(index))) {
        const files = await indexedFiles(joinPath(directory, index));
        return (await Promise.all(files.map(holds))).every((there) => there);
      }
    }
  }
  return false;
}
