import { type OrtApi, type Pointer, pointerArray } from "./ort-api.ts";

/** `ORT_LOGGING_LEVEL_FATAL`: what goes wrong is thrown, so printing it as well would be noise. */
export const logSeverity = 4;

/** ONNX Runtime's one environment of a process, with the threads that sessions share. */
export interface OrtEnvironment {
  readonly pointer: Pointer;
  /**
   * Size of the thread pool that sessions share whose threads sleep when idle. A session that asks for another number, or for
   * spinning threads, gets a pool of its own, which spins during a run only: shared threads cannot be stopped from spinning.
   */
  sharedThreads: number | undefined;
}

const environments = new Map<OrtApi, OrtEnvironment>();

/** The environment; the first session decides how many shared threads there are. Never released: see `OrtApi`. */
export function environmentOf(api: OrtApi, threads: number): OrtEnvironment {
  let environment = environments.get(api);
  if (environment === undefined) {
    environment = { pointer: createEnvironment(api, threads), sharedThreads: threads };
    environments.set(api, environment);
  }
  return environment;
}

function createEnvironment(api: OrtApi, threads: number): Pointer {
  const where = "environment";
  const options = api.create(where, "CreateThreadingOptions");
  try {
    api.call(where, "SetGlobalIntraOpNumThreads", options, threads);
    // Nodes run one after the other; the pool that could run several at once would only idle.
    api.call(where, "SetGlobalInterOpNumThreads", options, 1);
    api.call(where, "SetGlobalSpinControl", options, 0);
    const environment = api.create(
      where,
      "CreateEnvWithGlobalThreadPools",
      logSeverity,
      "mplug-owl",
      options,
    );
    // Another binding may have made the process's environment before us: no event tells of our graphs even then.
    api.call(where, "DisableTelemetryEvents", environment);
    return environment;
  } finally {
    api.native.ReleaseThreadingOptions(options);
  }
}

/** Compiles a model on another thread: the event loop stays free. */
export async function createNativeSession(
  api: OrtApi,
  environment: OrtEnvironment,
  model: Uint8Array,
  settings: Pointer,
): Promise<Pointer> {
  const result = pointerArray(1);
  await api.callAsync(
    "compile",
    "CreateSessionFromArray",
    [model, result],
    environment.pointer,
    api.address(model),
    model.byteLength,
    settings,
    api.address(result),
  );
  return result[0];
}
