/**
 * Checksums of what a run reads beside its recipe, by name (`data 1`, `model`): a run resumes from a checkpoint only where they
 * are the same.
 */
export type RunInputs = Readonly<Record<string, RunInput>>;

export interface RunInput {
  /** A checksum of the content. */
  readonly digest: string;
  /** What it is, for errors: `rows.jsonl, 40 rows`. */
  readonly description: string;
  /** Whether it is training data, with which a run may be resumed after a change (`allowChangedData`). */
  readonly isData: boolean;
  /** False: nothing that the run makes depends on it, as it is set up now. True if absent. */
  readonly decides?: boolean | undefined;
}

/**
 * What differs between the inputs of a checkpoint and those of the run that resumes from it, a line each. What decides nothing in one of
 * them may differ.
 */
export function changedInputs(earlier: RunInputs, now: RunInputs, allowData: boolean): string[] {
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(now)])];
  return names.flatMap((name) => {
    const [before, after] = [earlier[name], now[name]];
    if (before?.digest === after?.digest) return [];
    if (before?.decides === false || after?.decides === false) return [];
    if (allowData && (before ?? after).isData) return [];
    const [was, is] = [before?.description ?? "nothing", after?.description ?? "nothing"];
    return [was === is ? `${name} (${is}): its content is another` : `${name}: ${was}, now ${is}`];
  });
}
