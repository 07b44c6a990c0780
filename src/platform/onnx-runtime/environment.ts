import { type OrtApi, type Pointer, pointerArray } from "./ort-api.ts";

/** `ORT_LOGGING_LEVEL_FATAL`: what goes wrong is thrown, so printing it as well would be noise. */
export const logSeverity = 4;

const environments = new Map<OrtApi, Pointer>();

/** ONNX Runtime's one environment of a process. Never released: see `OrtApi`. */
export function environmentOf(api: OrtApi): Pointer {
  let environment = environments.get(api);
  if (environment === undefined) {
    const where = "environment";
    environment = api.create(where, "CreateEnv", logSeverity, "mplug-owl");
    // Another binding may have made the process's environment before us: no event tells of our graphs even then.
    api.call(where, "DisableTelemetryEvents", environment);
    environments.set(api, environment);
  }
  return environment;
}

/** Compiles a model on another thread: the event loop stays free. */
export async function createNativeSession(
  api: OrtApi,
  environment: Pointer,
  model: Uint8Array,
  settings: Pointer,
): Promise<Pointer> {
  const result = pointerArray(1);
  await api.callAsync(
    "compile",
    "CreateSessionFromArray",
    [model, result],
    environment,
    api.address(model),
    model.byteLength,
    settings,
    api.address(result),
  );
  return result[0];
}
