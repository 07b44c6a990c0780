import type { HostTensor } from "../tensor/index.ts";
import type { Communicator } from "./communicator.ts";
import type { TrainingBatch } from "./step-programs.ts";
import type { UpdateShare } from "./update-share.ts";

/** Loss or gradient norm is NaN or infinite: an update would ruin the weights. */
export class DivergenceError extends Error {
  override name = "DivergenceError";
}

/** The loss of a step is far above those before it. Nothing was updated by it. */
export class LossSpikeError extends Error {
  override name = "LossSpikeError";
}

/** What an update gave that is not finite. */
export interface Divergence<S> {
  /** Updates done before. */
  readonly step: number;
  readonly loss: number;
  readonly norm: number;
  readonly share: UpdateShare<S>;
  /** The loss of each micro-batch of the update. */
  readonly losses: readonly number[];
  readonly weights: Iterable<readonly [string, HostTensor]>;
  /** In the order of the model. */
  readonly gradients: Iterable<readonly [string, HostTensor]>;
}

/** The error for an update that changed nothing because it would have ruined the weights: with its rows, and the first tensor that is not finite. */
export async function divergence<S>(
  communicator: Communicator,
  { step, loss, norm, share, losses, weights, gradients }: Divergence<S>,
): Promise<DivergenceError> {
  const { rank, size } = communicator;
  const isBad = (_: unknown, index: number): boolean => !Number.isFinite(losses[rank + index * size]);
  const bad = share.own.filter(isBad);
  const suspects = losses.every(Number.isFinite) ? share.own : bad;
  const feeds = suspects.flatMap((batch) => Object.entries(batch.feeds));
  const tensor =
    firstNotFinite("input", feeds) ??
    firstNotFinite("weight", weights) ??
    firstNotFinite("gradient of", gradients);
  const notes = await communicator.exchange({ rows: namesOf(suspects), tensor });
  const first = notes.find((note) => note.tensor !== undefined)?.tensor;
  const found = [
    ...(first === undefined ? [] : [`the first tensor that is not finite: ${first}`]),
    ...inRows(notes.flatMap(({ rows }) => rows)),
  ];
  const detail = found.length === 0 ? "" : ` (${found.join("; ")})`;
  return new DivergenceError(
    `step ${step}: loss and gradients must be finite, got loss ${loss} and gradient norm ${norm}${detail}; begin again with a lower learning rate, since a run goes on with the one it began with`,
  );
}

/** The error for a loss far above the earlier ones', before anything is updated. */
export async function lossSpike<S>(
  communicator: Communicator,
  { step, loss, most, share }: { step: number; loss: number; most: number; share: UpdateShare<S> },
): Promise<LossSpikeError> {
  const rows = (await communicator.exchange(namesOf(share.own))).flat();
  const where = inRows(rows).map((text) => ` (${text})`);
  return new LossSpikeError(
    `step ${step}: the loss must be at most ${most.toPrecision(4)} by maxLossSpike, got ${loss.toPrecision(4)}${where.join("")}; look at these rows, then resume with them mended (--resume --allow-changed-data), or with a higher maxLossSpike`,
  );
}

const namesOf = <S>(batches: readonly TrainingBatch<S>[]): string[] =>
  batches.flatMap(({ rowNames = [] }) => rowNames);

const mostNamed = 16;

function inRows(rows: readonly string[]): string[] {
  if (rows.length === 0) return [];
  const rest = rows.length - mostNamed;
  const more = rest > 0 ? ` and ${rest} others` : "";
  return [`rows ${rows.slice(0, mostNamed).join(", ")}${more}`];
}

/** The first tensor with a number that is NaN or infinite, in words. */
function firstNotFinite(kind: string, tensors: Iterable<readonly [string, HostTensor]>): string | undefined {
  for (const [name, { data }] of tensors) {
    if (!(data instanceof Float32Array)) continue;
    const count = data.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0);
    if (count > 0) return `${kind} ${name}, ${count} of ${data.length} numbers`;
  }
  return undefined;
}
