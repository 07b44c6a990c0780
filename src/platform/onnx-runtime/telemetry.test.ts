import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";

/** Calls it in a worker thread without koffi, whose copy of the environment is this. */
async function turnOffWithoutKoffi(environment: NodeJS.ProcessEnv): Promise<unknown> {
  const module = JSON.stringify(new URL("./telemetry.ts", import.meta.url).href);
  const source = `
    import("tsx/esm/api")
      .then(({ register }) => (register(), import(${module})))
      .then(({ disableTelemetry }) => disableTelemetry(undefined))
      .then(() => "off", ({ name, message }) => name + ": " + message)
      .then((said) => require("node:worker_threads").parentPort.postMessage(said));`;
  const worker = new Worker(source, { eval: true, env: environment });
  const [said] = await once(worker, "message");
  return said;
}

it("without koffi a worker thread refuses, unless its process has it off", async () => {
  const { ORT_DISABLE_TELEMETRY: off, ...without } = process.env;
  expect(await turnOffWithoutKoffi(without)).toMatch(
    /OnnxRuntimeError: .*import mplug-owl in the main thread/,
  );
  expect(await turnOffWithoutKoffi({ ...without, ORT_DISABLE_TELEMETRY: "0" })).toContain(
    "ORT_DISABLE_TELEMETRY=1",
  );
  expect(await turnOffWithoutKoffi({ ...without, ORT_DISABLE_TELEMETRY: "1" })).toBe("off");
  await import("./telemetry.ts");
  expect(process.env.ORT_DISABLE_TELEMETRY).toBe("1");
});
