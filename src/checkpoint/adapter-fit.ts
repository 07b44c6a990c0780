import { generationNames, type OwlConfig, storedName } from "../model/index.ts";
import type { LoraConfig } from "./adapter-config.ts";
import { moduleOf, modulesOf, peftPrefix } from "./adapter-names.ts";
import type { StateDict } from "./tensor-source.ts";

/** The name that a model has for a tensor of an adapter's name; undefined where it has none. */
type Renaming = (name: string) => string | undefined;

const byPrefix =
  (adapters: string, models: string): Renaming =>
  (name) =>
    name.startsWith(adapters) ? models + name.slice(adapters.length) : undefined;

/**
 * Names of adapters that are not the model's: of a language model alone beside an owl's names, of what transformers 5 saves of a
 * larger model, and of the files of other models of the line.
 */
const RENAMINGS: readonly Renaming[] = [
  byPrefix("", "language_model."),
  byPrefix("model.language_model.", "language_model.model."),
  byPrefix("model.", "language_model."),
  ...generationNames().map(({ own }) => own),
];

/** A model whose head is its table of embeddings has none of this name, a state dict of it has. */
const HEAD = "lm_head.weight";

/** What an adapter holds by the names of tensors. */
interface Named {
  readonly lora: StateDict;
  readonly replaced: StateDict;
}

/**
 * An adapter under a model's names. It stays as it is where it changes a tensor that the model has, or where no
 * renaming makes all of its names the model's: those that do not fit are then told by the names that they have.
 */
export function fitted<A extends Named>(adapter: A, model: ReadonlyMap<string, unknown>): A {
  const weights = [...[...adapter.lora.keys()].map(weightName), ...adapter.replaced.keys()];
  if (weights.some((name) => model.has(name))) return adapter;
  for (const nameOf of RENAMINGS) {
    const isWhole = weights.every((name) => {
      const own = nameOf(name);
      return own !== undefined && (name.endsWith(HEAD) || model.has(own));
    });
    if (isWhole) return renamedAdapter(adapter, (name) => nameOf(name)!);
  }
  return adapter;
}

/** A model's adapter under the names of the model's files, in which it is saved. */
export function storedAdapter<A extends Named & { readonly settings: LoraConfig }>(
  adapter: A,
  config: Pick<OwlConfig, "textOnly" | "generation">,
): A {
  const nameOf = (name: string): string => storedName(config, name);
  const modules = [...modulesOf(adapter.lora)].sort();
  if (modules.every((name) => nameOf(name) === name)) return adapter;
  const { targetModules: targets, ...settings } = adapter.settings;
  // An expression is for the names inside.
  const named = typeof targets === "string" ? modules : targets;
  return {
    ...renamedAdapter(adapter, nameOf),
    settings: { ...settings, targetModules: named.map(nameOf) },
  };
}

/** The weight that a part of a LoRA changes. */
const weightName = (part: string): string => `${moduleOf(part)}.weight`;

function renamedAdapter<A extends Named>(adapter: A, nameOf: (name: string) => string): A {
  const renamed = (tensors: StateDict, before: string): StateDict =>
    new Map([...tensors].map(([name, tensor]) => [before + nameOf(name.slice(before.length)), tensor]));
  return { ...adapter, lora: renamed(adapter.lora, peftPrefix), replaced: renamed(adapter.replaced, "") };
}
