import type { StateDict, TensorEntry, TensorSource } from "../checkpoint/index.ts";
import type { Communicator } from "./communicator.ts";
import type { FlatBuffer, Layout } from "./flat-buffer.ts";
import type { Optimizer } from "./optimizers/index.ts";
import { type OwnedChunk, ownedRanges } from "./shards.ts";

/** Where the optimizer's state lies: of each process its shard alone. */
export interface StateMemory {
  readonly communicator: Communicator;
  readonly layout: Layout;
  readonly chunks: readonly OwnedChunk[];
  readonly optimizer: Optimizer;
  /** In the order of the optimizer's states. */
  readonly buffers: readonly FlatBuffer[];
}

/** A tensor of the optimizer's state: `first.<parameter>`. */
interface StateTensor extends TensorEntry {
  readonly type: "F32";
  /** Whose parts it consists of, with where they lie: in this process's buffer, and in the tensor. */
  readonly parts: readonly StatePart[];
}

interface StatePart {
  readonly owner: number;
  /** First element in the tensor. */
  readonly offset: number;
  readonly length: number;
  /** In this process's buffer. */
  readonly numbers: Float32Array;
}

/** The optimizer's state as it lies in checkpoints, by name: views, of which a process has filled its shard alone. */
export function stateDictOf({ optimizer, buffers }: StateMemory): StateDict {
  return new Map(
    optimizer.state.flatMap((stateName, i) =>
      [...buffers[i].tensors()].map(([name, tensor]) => [`${stateName}.${name}`, tensor] as const),
    ),
  );
}

/**
 * Gives the first process the whole state, one tensor at a time, so that its memory holds no more than the largest; the other
 * ones send their parts. Called by all; a failure is every one's.
 */
export async function collectState(
  memory: StateMemory,
  use: (state: TensorSource) => Promise<void>,
): Promise<void> {
  const { communicator } = memory;
  const tensors = stateTensors(memory);
  await communicator.agree(async () => {
    if (communicator.rank !== 0) return sendParts(communicator, tensors);
    const rest = [...tensors];
    const receive = async (name: string): Promise<Float32Array> => {
      const next = rest.shift();
      if (next?.name === name) return receiveParts(communicator, next);
      throw new RangeError(
        `optimizer state: must be read in the order of names, got ${name} for ${next?.name}`,
      );
    };
    try {
      await use({
        path: "optimizer state",
        tensors,
        read: async (name) => {
          const { dims } = tensors.find((tensor) => tensor.name === name)!;
          return { dtype: "float32", dims, data: await receive(name) };
        },
        close: async () => undefined,
      });
    } finally {
      // The others send all of it, whether it was wanted or not.
      for (const { name } of [...rest]) await receive(name);
    }
  });
}

/** Fills every process's shard from what the first one reads, one tensor at a time. Called by all; only the first has a source. */
export async function scatterState(memory: StateMemory, source: TensorSource | undefined): Promise<void> {
  const { communicator } = memory;
  for (const { name, dims, parts } of stateTensors(memory)) {
    const read = await communicator.agree(() => source && readTensor(source, name, dims));
    const messages = parts.flatMap(({ owner, offset, length, numbers }) => {
      const isOwn = owner === communicator.rank;
      if (read === undefined) return isOwn ? [communicator.receive(0, bytesOf(numbers))] : [];
      const part = read.subarray(offset, offset + length);
      if (!isOwn) return [communicator.send(owner, bytesOf(part))];
      numbers.set(part);
      return [];
    });
    await communicator.settle(messages);
  }
}

/** Fills every process's weights with what the first one reads. */
export async function restoreWeights(
  weights: FlatBuffer,
  { communicator, layout }: StateMemory,
  source: TensorSource | undefined,
): Promise<void> {
  for (const name of [...layout.views.keys()].sort()) {
    const { data, dims } = weights.tensor(name);
    await communicator.agree(async () => source && data.set(await readTensor(source, name, dims)));
    const bytes = bytesOf(data);
    const others = Array.from({ length: communicator.size - 1 }, (_, i) => i + 1);
    await communicator.settle(
      communicator.rank === 0
        ? others.map((other) => communicator.send(other, bytes))
        : [communicator.receive(0, bytes)],
    );
  }
}

/** Tensors in memory (float32) as those that are read one at a time. */
export function sourceOf(tensors: StateDict): TensorSource {
  return {
    path: "memory",
    tensors: [...tensors].map(([name, { dims }]) => ({ name, dims, type: "F32" })),
    read: async (name) => tensors.get(name)!,
    close: async () => undefined,
  };
}

/** A tensor of a training state. @throws RangeError where the state has none of this name and shape */
export async function readTensor(
  source: TensorSource,
  name: string,
  dims: readonly number[],
): Promise<Float32Array> {
  const found = source.tensors.find((tensor) => tensor.name === name);
  if (found === undefined) throw new RangeError(`training state: ${source.path} has no ${name}`);
  const { dtype, dims: stored, data } = await source.read(name);
  if (dtype === "float32" && stored.join() === dims.join()) return data as Float32Array;
  throw new RangeError(
    `training state: ${name} must be float32 [${dims.join(", ")}], got ${dtype} [${stored.join(", ")}]`,
  );
}

async function sendParts(communicator: Communicator, tensors: readonly StateTensor[]): Promise<void> {
  for (const { parts } of tensors) {
    const own = parts.filter(({ owner }) => owner === communicator.rank);
    await communicator.settle(own.map(({ numbers }) => communicator.send(0, bytesOf(numbers))));
  }
}

async function receiveParts(communicator: Communicator, { parts }: StateTensor): Promise<Float32Array> {
  const [only] = parts;
  if (parts.length === 1 && only.owner === communicator.rank) return only.numbers;
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  const messages = parts.flatMap(({ owner, offset, length, numbers }) => {
    const into = whole.subarray(offset, offset + length);
    if (owner !== communicator.rank) return [communicator.receive(owner, bytesOf(into))];
    into.set(numbers);
    return [];
  });
  await communicator.settle(messages);
  return whole;
}

/** All tensors of the state in the order of their names, in which checkpoints are written. */
function stateTensors({ layout, chunks, optimizer, buffers }: StateMemory): StateTensor[] {
  const tensors = optimizer.state.flatMap((stateName, i) =>
    [...layout.views.values()].map(({ name, dims, start }): StateTensor => {
      const numbers = buffers[i].tensor(name).data;
      const parts = ownedRanges(chunks, start, numbers.length).map((range) => {
        const offset = range.start - start;
        return { ...range, offset, numbers: numbers.subarray(offset, offset + range.length) };
      });
      return { name: `${stateName}.${name}`, type: "F32", dims, parts };
    }),
  );
  return tensors.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
