import { tryLockFile } from "../platform/index.ts";
import { sleep } from "../primitives/index.ts";

/** One of several parts of a run that work at the same time, each on its share of the items. */
export interface Shard {
  /** From 1 on. */
  readonly index: number;
  /** Parts in all. */
  readonly count: number;
}

/** The file of a part: `nano.jsonl` → `nano.1-of-2.jsonl`. */
export function shardPath(path: string, { index, count }: Shard): string {
  const [, stem, ending] = /^(.*?)(\.[^./\\]*)?$/s.exec(path) ?? [];
  return `${stem}.${index}-of-${count}${ending ?? ""}`;
}

/** All parts of a run. */
export const allShards = (count: number): Shard[] =>
  Array.from({ length: count }, (_, i) => ({ index: i + 1, count }));

/** The items of a shard: contiguous, and as many as in every other, give or take one. */
export function shardItems<Item>(items: readonly Item[], { index, count }: Shard): Item[] {
  const bound = (shards: number): number => Math.floor((items.length * shards) / count);
  return items.slice(bound(index - 1), bound(index));
}

/**
 * Puts shards together, one process at a time: several of them can find at the same moment that all are answered, and would write
 * the same files at once.
 */
export async function inTurn<Merged>(out: string, merge: () => Promise<Merged>): Promise<Merged> {
  let lock = await tryLockFile(`${out}.merge.lock`);
  for (; lock === undefined; lock = await tryLockFile(`${out}.merge.lock`)) await sleep(20);
  try {
    return await merge();
  } finally {
    await lock.release();
  }
}
