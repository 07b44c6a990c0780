import { expect, test } from "vitest";
import { Semaphore } from "./semaphore.ts";

/** Work that ends when it is told to. */
function openWork(): { work: () => Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so many work at once, the others follow in order, also when one fails", async () => {
  const semaphore = new Semaphore(2);
  const begun: number[] = [];
  const works = Array.from({ length: 4 }, openWork);
  const runs = works.map(({ work }, i) =>
    semaphore.run(async () => {
      begun.push(i);
      await work();
      if (i === 0) throw new Error("failed");
      return i;
    }),
  );
  const results = Promise.allSettled(runs);
  expect([semaphore.running, semaphore.waiting, begun]).toEqual([2, 2, [0, 1]]);
  works[0].end();
  await settled();
  expect([semaphore.running, semaphore.waiting, begun]).toEqual([2, 1, [0, 1, 2]]);
  for (const { end } of works) end();
  expect((await results).map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect([semaphore.running, semaphore.waiting, begun]).toEqual([0, 0, [0, 1, 2, 3]]);
});

test("who gives up waiting loses the place in the queue and nobody else does", async () => {
  const semaphore = new Semaphore(1);
  const { work, end } = openWork();
  const first = semaphore.run(work);
  const stop = new AbortController();
  const second = semaphore.run(() => "second", stop.signal);
  const third = semaphore.run(() => "third");
  stop.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  expect(semaphore.waiting).toBe(1);
  end();
  await first;
  expect(await third).toBe("third");
  await expect(semaphore.run(() => "late", stop.signal)).rejects.toThrow("gone");
  expect(semaphore.running).toBe(0);
});
