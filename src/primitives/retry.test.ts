import { describe, expect, it, test } from "vitest";
import { isTransientStatus, retry, retryAfterOf, TransientError } from "./retry.ts";

describe("retry", () => {
  const failing = (failures: number, make: () => Error) => {
    let calls = 0;
    return async (): Promise<number> => {
      calls++;
      if (calls <= failures) throw make();
      return calls;
    };
  };

  it("repeats what fails for a time, after pauses that double or that the server asks for", async () => {
    const pauses: number[] = [];
    const options = { attempts: 5, delay: 1, onRetry: (_: Error, pause: number) => pauses.push(pause) };
    expect(
      await retry(
        failing(3, () => new TransientError("busy")),
        options,
      ),
    ).toBe(4);
    expect(
      await retry(
        failing(1, () => new TransientError("busy", { retryAfter: 7 })),
        options,
      ),
    ).toBe(2);
    expect(pauses).toEqual([1, 2, 4, 7]);
  });

  it("gives up after so many attempts, and at once for every other error", async () => {
    const work = failing(9, () => new TransientError("busy"));
    await expect(retry(work, { attempts: 3, delay: 0 })).rejects.toThrow("busy");
    const broken = failing(1, () => new Error("broken"));
    await expect(retry(broken, { attempts: 3, delay: 0 })).rejects.toThrow("broken");
  });

  it("counts anew after an attempt that reached something", async () => {
    let reached = 0;
    const work = failing(5, () => {
      reached++;
      return new TransientError("cut");
    });
    expect(await retry(work, { attempts: 2, delay: 0, progress: () => reached })).toBe(6);
  });

  it("ends its pause when the signal is aborted", async () => {
    const stop = new AbortController();
    const work = failing(9, () => new TransientError("busy"));
    const onRetry = (): void => stop.abort(new Error("gone"));
    await expect(retry(work, { attempts: 3, delay: 60_000, signal: stop.signal, onRetry })).rejects.toThrow(
      "gone",
    );
  });
});

test("a server says in milliseconds, in seconds or by a date how long to wait", () => {
  const now = Date.parse("2026-11-28T12:00:00Z");
  const asked = (headers: Record<string, string>): number => retryAfterOf(new Headers(headers), now);
  expect(asked({ "retry-after-ms": "250", "retry-after": "9" })).toBe(250);
  expect(asked({ "retry-after": "1.5" })).toBe(1500);
  expect(asked({ "retry-after": "Sat, 28 Nov 2026 12:00:20 GMT" })).toBe(20_000);
  expect(asked({ "retry-after": "Sat, 28 Nov 2026 11:00:00 GMT" })).toBe(0);
  expect([asked({}), asked({ "retry-after": "soon" }), asked({ "retry-after-ms": "soon" })]).toEqual([
    0, 0, 0,
  ]);
});

test("a status of an overloaded or failing server may pass", () => {
  expect([408, 429, 500, 503].every(isTransientStatus)).toBe(true);
  expect([400, 401, 404, 413].some(isTransientStatus)).toBe(false);
});
