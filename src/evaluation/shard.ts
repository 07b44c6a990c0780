/** One of several parts of a run, which ask their questions at the same time. */
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

/** A part's share of things, neighbours together. */
export function shareOf<Item>(items: readonly Item[], { index, count }: Shard): Item[] {
  const bound = (shards: number): number => Math.floor((items.length * shards) / count);
  return items.slice(bound(index - 1), bound(index));
}
