import { expect, test } from "vitest";
import { BatchQueue } from "./batch-queue.ts";

const never = new AbortController().signal;

test("what is asked for at the same time goes together, what comes later in the next batch", async () => {
  const batches: (readonly number[])[] = [];
  const queue: BatchQueue<number, number> = new BatchQueue(
    (waiting) => waiting.slice(0, 3),
    async (batch) => {
      batches.push(batch);
      await new Promise((resolve) => setImmediate(resolve));
      return batch.map((item) => 10 * item);
    },
  );
  const results = await Promise.all([1, 2, 3, 4].map((item) => queue.run(item, never)));
  expect(results).toEqual([10, 20, 30, 40]);
  expect(batches).toEqual([[1, 2, 3], [4]]);
  await queue.idle();
  expect(await queue.run(5, never)).toBe(50);
});

test("a batch that fails fails alone, and an item that is aborted leaves the queue", async () => {
  const batches: (readonly string[])[] = [];
  const queue: BatchQueue<string, string> = new BatchQueue(
    (waiting) => waiting.slice(0, 1),
    async (batch) => {
      batches.push(batch);
      if (batch[0] === "bad") throw new Error("cannot be done");
      return batch;
    },
  );
  const stop = new AbortController();
  const bad = queue.run("bad", never);
  const gone = queue.run("gone", stop.signal);
  const good = queue.run("good", never);
  stop.abort(new Error("not wanted"));
  await expect(bad).rejects.toThrow("cannot be done");
  await expect(gone).rejects.toThrow("not wanted");
  expect(await good).toBe("good");
  expect(batches).toEqual([["bad"], ["good"]]);
  await expect(queue.run("late", stop.signal)).rejects.toThrow("not wanted");
});
