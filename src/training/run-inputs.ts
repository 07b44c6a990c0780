/**
 * What a run is made from beside the numbers of its recipe, by name (`data 1`, `model`): a run goes on from a checkpoint only
 * where these are the same.
 */
export type RunInputs = Readonly<Record<string, RunInput>>;

export interface RunInput {
  /** The same for the same content. */
  readonly digest: string;
  /** In a few words, for errors: `rows.jsonl, 40 rows`. */
  readonly description: string;
  /** Whether it is data, which whoever means it may change. */
  readonly isData: boolean;
}

/** What differs between the inputs of a checkpoint and those of the run that asks for it, a line each. */
export function changedInputs(earlier: RunInputs, now: RunInputs, allowData: boolean): string[] {
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(now)])];
  return names.flatMap((name) => {
    const [before, after] = [earlier[name], now[name]];
    if (before?.digest === after?.digest) return [];
    if (allowData && (before ?? after).isData) return [];
    const [was, is] = [before?.description ?? "nothing", after?.description ?? "nothing"];
    return [was === is ? `${name} (${is}): its content is another` : `${name}: ${was}, now ${is}`];
  });
}
