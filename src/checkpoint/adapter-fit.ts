import { moduleOf, peftPrefix } from "./adapter-names.ts";
import type { StateDict } from "./tensor-source.ts";

/**
 * What may stand before an adapter's names, and before the model's for the same tensors: an adapter of a language model
 * alone beside an owl's names, and one of what transformers 5 saves of a larger model.
 */
const PREFIXES: readonly (readonly [adapters: string, models: string])[] = [
  ["", "language_model."],
  ["model.language_model.", "language_model.model."],
  ["model.", "language_model."],
];

/** A model whose head is its table of embeddings has none of this name, a state dict of it has. */
const HEAD = "lm_head.weight";

/** What an adapter holds by the names of tensors. */
interface Named {
  readonly lora: StateDict;
  readonly replaced: StateDict;
}

/**
 * An adapter under a model's names. It stays as it is where it changes a tensor that the model has, or where no other
 * prefix makes all of its names the model's: those that do not fit are then told by the names that they have.
 */
export function fitted<A extends Named>(adapter: A, model: ReadonlyMap<string, unknown>): A {
  const weights = [...[...adapter.lora.keys()].map(weightName), ...adapter.replaced.keys()];
  if (weights.some((name) => model.has(name))) return adapter;
  for (const [from, to] of PREFIXES) {
    const isWhole = weights.every(
      (name) => name.startsWith(from) && (name.endsWith(HEAD) || model.has(to + name.slice(from.length))),
    );
    if (isWhole) return withPrefix(adapter, from, to);
  }
  return adapter;
}

/** The weight that a part of a LoRA changes. */
const weightName = (part: string): string => `${moduleOf(part)}.weight`;

function withPrefix<A extends Named>(adapter: A, from: string, to: string): A {
  const renamed = (tensors: StateDict, before: string): StateDict =>
    new Map(
      [...tensors].map(([name, tensor]) => [before + to + name.slice(before.length + from.length), tensor]),
    );
  return { ...adapter, lora: renamed(adapter.lora, peftPrefix), replaced: renamed(adapter.replaced, "") };
}
