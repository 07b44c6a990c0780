import type { KernelCall, MpiMessage, ThreadPool } from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import type { Communicator } from "./communicator.ts";
import {
  type Chunk,
  type FlatBuffer,
  type FlatBufferSet,
  type Layout,
  mostScratchBytes,
  type View,
} from "./flat-buffer.ts";
import type { OwnedChunk } from "./shards.ts";

/** What an exchange works on. */
export interface ExchangeMemory extends Pick<FlatBufferSet, "scratch"> {
  readonly threads: ThreadPool;
  readonly chunks: readonly OwnedChunk[];
  readonly layout: Pick<Layout, "views">;
}

/** Neighbouring numbers that are sent at once, with the parameters that they are of. */
export interface Bucket extends Chunk {
  readonly names: readonly string[];
}

/** Gradients to be summed, of one micro-batch (or of several, added up) of each of the first `contributors` processes. */
export interface Contribution {
  /** The sum; of it only this process's shard holds anything afterwards. */
  readonly sum: FlatBuffer;
  /** This process's gradients; absent where it is none of the contributors. The sum itself in the first contribution to it. */
  readonly own: FlatBuffer | undefined;
  readonly contributors: number;
  /** Called once for each bucket of a contributor, before its own gradients in it are read: waits until they are there. */
  readonly prepare?: ((bucket: Bucket) => Promise<void>) | undefined;
}

/** The traffic of an update between processes. */
export interface ShardExchange {
  /**
   * Adds up the processes' gradients, each shard in its owner, in the order of ranks whichever comes first: the same bits
   * every time. A bucket of every shard is under way while the one before it is added. Buckets of the parameters that a model has
   * last are the first, since a backward pass begins with them.
   */
  sum(contribution: Contribution): Promise<void>;
  /** Gives every process the other ones' shards of a buffer. */
  gather(buffer: FlatBuffer): Promise<void>;
}

/** Bytes of a bucket, which is sent at once. */
const largestBucket = 2 ** 20;
const cacheLine = 64;
const addedAtOnce = 2 ** 16;

function bucketBytesFor(processes: number): number {
  const most = Math.floor(mostScratchBytes / 2 / processes / cacheLine) * cacheLine;
  return Math.min(largestBucket, most);
}

/** Memory into which buckets of all processes are received, twice: one round's are added while the next one's arrive. */
export function scratchBytesFor(processes: number): number {
  return processes === 1 ? 0 : 2 * processes * bucketBytesFor(processes);
}

/** Prepares the exchange of shards; with one process nothing is sent. */
export function createShardExchange(communicator: Communicator, memory: ExchangeMemory): ShardExchange {
  const { rank, size } = communicator;
  if (size === 1) return { sum: async () => undefined, gather: async () => undefined };
  const { threads, scratch } = memory;
  const bucketBytes = bucketBytesFor(size);
  const buckets = Array.from({ length: size }, (_, owner) => bucketsOf(memory, owner, bucketBytes));
  const own = buckets[rank];
  const rounds = Math.max(...buckets.map(({ length }) => length));
  const others = Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);
  const slotOf = (round: number, sender: number): number => ((round % 2) * size + sender) * bucketBytes;

  const sendTo = (
    receivers: readonly number[],
    buffer: FlatBuffer,
    bucketOf: (other: number) => Chunk | undefined,
  ) =>
    receivers.flatMap((other): MpiMessage[] => {
      const bucket = bucketOf(other);
      return bucket === undefined ? [] : [communicator.send(other, buffer.bytes(bucket))];
    });

  return {
    sum: async ({ sum, own: gradients, contributors, prepare = async () => undefined }) => {
      const senders = others.filter((other) => other < contributors).sort((a, b) => a - b);
      // Messages arrive in the order in which they are sent: a bucket waits for the one before it.
      let sentBefore: Promise<unknown> = Promise.resolve();
      const sendRound = async (round: number): Promise<MpiMessage[]> => {
        const sent: MpiMessage[] = [];
        if (gradients === undefined) return sent;
        for (const other of others) {
          const bucket = buckets[other][round];
          if (bucket === undefined) continue;
          await prepare(bucket);
          sent.push(communicator.send(other, gradients.bytes(bucket)));
        }
        return sent;
      };
      const begin = (round: number) => {
        const bucket = own[round];
        const received =
          bucket === undefined
            ? []
            : senders.map((sender) =>
                communicator.receive(
                  sender,
                  scratch.bytes(bucket.memory, slotOf(round, sender), bucket.bytes),
                ),
              );
        const sent = sentBefore.then(() => sendRound(round));
        sentBefore = sent;
        // Whoever awaits the round hears of it.
        sent.catch(() => undefined);
        return { received, sent };
      };
      let ahead = begin(0);
      for (let round = 0; round < rounds; round++) {
        const { received, sent } = ahead;
        if (round + 1 < rounds) ahead = begin(round + 1);
        await communicator.settle(received);
        const bucket = own[round];
        if (bucket !== undefined) {
          if (gradients !== undefined) await prepare(bucket);
          const slots = senders.map((sender) => ({
            sender,
            at: scratch.addressOf(bucket.memory) + slotOf(round, sender),
          }));
          await addInOrder(threads, bucket, { sum, gradients, slots, rank });
        }
        await communicator.settle(await sent);
      }
    },
    gather: async (buffer) => {
      let before: MpiMessage[] = [];
      for (let round = 0; round < rounds; round++) {
        const received = others.flatMap((other) => {
          const bucket = buckets[other][round];
          return bucket === undefined ? [] : [communicator.receive(other, buffer.bytes(bucket))];
        });
        const now = [...received, ...sendTo(others, buffer, () => own[round])];
        await communicator.settle(before);
        before = now;
      }
      await communicator.settle(before);
    },
  };
}

/** The buckets of a shard: first those whose parameters the model has last. */
function bucketsOf({ chunks, layout }: ExchangeMemory, owner: number, bucketBytes: number): Bucket[] {
  const views = [...layout.views.values()];
  return chunks
    .filter((chunk) => chunk.owner === owner)
    .flatMap((chunk) => piecesOf(chunk, bucketBytes))
    .map((piece) => ({ ...piece, of: views.filter((view) => overlaps(view, piece)) }))
    .map(({ of, ...piece }) => ({
      bucket: { ...piece, names: of.map(({ name }) => name) },
      earliest: Math.min(...of.map(({ place }) => place)),
    }))
    .toSorted((a, b) => b.earliest - a.earliest)
    .map(({ bucket }) => bucket);
}

const overlaps = (view: View, { start, bytes }: Chunk): boolean =>
  view.start < start + bytes / 4 && start < view.start + elementCount(view.dims);

function piecesOf({ memory, start, bytes }: Chunk, bucketBytes: number): Chunk[] {
  return Array.from({ length: Math.ceil(bytes / bucketBytes) }, (_, i) => ({
    memory,
    start: start + (i * bucketBytes) / 4,
    bytes: Math.min(bucketBytes, bytes - i * bucketBytes),
  }));
}

interface Addends {
  readonly sum: FlatBuffer;
  readonly gradients: FlatBuffer | undefined;
  /** What was received, in the order of ranks, and where in the bucket's memory. */
  readonly slots: readonly { readonly sender: number; readonly at: number }[];
  readonly rank: number;
}

/** sum ← (((g₀ + g₁) + g₂) + …), where the sum is the process's own gradients at first; otherwise sum ← ((sum + g₀) + g₁) + …. */
async function addInOrder(threads: ThreadPool, bucket: Chunk, addends: Addends): Promise<void> {
  const { sum, gradients, slots, rank } = addends;
  const add = (into: number, from: number): Promise<unknown> => threads.run(additions(bucket, into, from));
  const total = sum.addressOf(bucket.start);
  const before = slots.filter(({ sender }) => sender < rank);
  const after = slots.filter(({ sender }) => sender > rank);
  if (gradients === sum) {
    // Addition commutes: what comes before goes into the first slot, and that to the process's own.
    const [first, ...rest] = before;
    for (const { at } of rest) await add(first.at, at);
    if (first !== undefined) await add(total, first.at);
  } else {
    for (const { at } of before) await add(total, at);
    if (gradients !== undefined) await add(total, gradients.addressOf(bucket.start));
  }
  for (const { at } of after) await add(total, at);
}

/** An addition of a bucket, divided for the threads. */
function additions({ memory, bytes }: Chunk, into: number, from: number): KernelCall[] {
  return Array.from({ length: Math.ceil(bytes / addedAtOnce) }, (_, i) => {
    const offset = i * addedAtOnce;
    return {
      memory,
      kernel: "add",
      numbers: [into + offset, from + offset, Math.min(addedAtOnce, bytes - offset)],
    };
  });
}
