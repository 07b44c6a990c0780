import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owl } from "./testing/captured.ts";
import { openWatch } from "./watch.ts";

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "owl-watch-cli-"));
  await mkdir(join(place, "run"));
  await mkdir(join(place, "empty"));
  await writeFile(join(place, "run", "log.jsonl"), '{"kind":"start","step":0,"steps":2}\n');
});
afterAll(() => rm(place, { recursive: true }));

it("serves runs to this machine alone, and gives who watches the time to read their ends", async () => {
  const { address, close } = await openWatch([place], 0);
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const { runs } = await (await fetch(`${address}/watch/runs`)).json();
  expect(runs).toMatchObject([{ name: "run" }]);
  const closed = close();
  expect((await fetch(`${address}/watch/log?run=${encodeURIComponent(runs[0].id)}`)).status).toBe(200);
  await closed;
  await expect(fetch(`${address}/watch/runs`)).rejects.toThrow();
});

it("is refused where there is no run", async () => {
  for (const [name, got] of [
    ["nothing", "nothing there"],
    ["empty", "one without log.jsonl"],
    ["run/log.jsonl", "a file"],
  ]) {
    const { code, err } = await owl("watch", join(place, name));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`got ${got}`) });
  }
  expect((await owl("watch", place, "--port", "x")).code).toBe(2);
});
