import type { HostTensor } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import type { StateDict } from "./tensor-source.ts";

const HEAD = "lm_head.weight";
const TABLE = /(^|\.)(embed_tokens|word_embeddings)\.weight$/;

/** Adapters' tensors beside the matrices, of a model whose head may be its table of embeddings. */
interface Beside {
  readonly replaced: StateDict;
}

/**
 * An adapter for a model whose head is its table of embeddings. A state dict of such a model has the table twice, and one of
 * the two goes. `modules_to_save` with the table alone makes PEFT train a copy of it and leaves the head as it was, which
 * the model here cannot: its two are one.
 *
 * @param savedModules the modules of `modules_to_save`, unless `ensure_weight_tying` kept the two one
 * @throws CheckpointError for such an adapter
 */
export function forTiedHead<A extends Beside>(
  adapter: A,
  model: ReadonlyMap<string, unknown>,
  { where, savedModules }: { readonly where: string; readonly savedModules: readonly string[] },
): A {
  const hasHead = [...model.keys()].some((name) => name.endsWith(HEAD));
  const table = [...adapter.replaced].find(([name]) => TABLE.test(name) && model.has(name));
  if (hasHead || table === undefined) return adapter;
  const head = [...adapter.replaced].find(([name]) => name.endsWith(HEAD));
  if (head !== undefined) {
    if (!isSame(head[1], table[1])) return adapter;
    return { ...adapter, replaced: new Map([...adapter.replaced].filter(([name]) => name !== head[0])) };
  }
  const saved = savedModules.find((module) => TABLE.test(`${module}.weight`));
  if (saved === undefined) return adapter;
  throw new CheckpointError(
    where,
    "must fit a model whose head is its table of embeddings",
    [`modules_to_save: ${saved} without ensure_weight_tying, which left the head as it was`],
    "Merge the adapter with the tool that wrote it and load the merged model.",
  );
}

function isSame(a: HostTensor, b: HostTensor): boolean {
  return a.dims.join() === b.dims.join() && a.data.every((value, i) => value === b.data[i]);
}
