import { afterEach, beforeEach, expect, test, vi } from "vitest";

let channels: BroadcastChannel[];

beforeEach(() => {
  channels = [];
  // Without https there are no locks.
  vi.stubGlobal("navigator", {});
  vi.stubGlobal(
    "BroadcastChannel",
    class extends BroadcastChannel {
      constructor(name: string) {
        super(name);
        channels.push(this);
      }
    },
  );
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  for (const channel of channels) channel.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The module as one more page has it. */
async function openPage(): Promise<typeof import("./tab-locks.ts")> {
  vi.resetModules();
  return import("./tab-locks.ts");
}

test("of pages that come at once none takes itself for the only one, and a later one hears of them however late", async () => {
  const [first, second] = [await openPage(), await openPage()];
  expect(await Promise.all([first.holdForGood("page"), second.holdForGood("page")])).toEqual([false, false]);
  const third = (await openPage()).holdForGood("page");
  await vi.advanceTimersByTimeAsync(2500);
  expect(await third).toBe(false);
});

test("a page that is alone learns so, and of a lock when it is released", async () => {
  const page = await openPage();
  const isAlone = page.holdForGood("page");
  await vi.advanceTimersByTimeAsync(3000);
  expect(await isAlone).toBe(true);

  let end = (): void => undefined;
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  const held = page.holdLock("answer", work);
  const released = vi.fn();
  const other = await openPage();
  const asked = vi.spyOn(channels[1], "postMessage");
  const waiting = other.lockReleased("answer").then(released);
  for (const times of [1, 2]) {
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(times));
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(released).not.toHaveBeenCalled();
  end();
  await held;
  await vi.advanceTimersByTimeAsync(10_000);
  await waiting;
});
