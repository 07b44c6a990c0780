import { type OrtApi, type Pointer, pointerArray } from "./onnx-runtime-api.ts";

/** `ORT_LOGGING_LEVEL_FATAL`: what goes wrong is thrown, so printing it as well would be noise. */
export const logSeverity = 4;

export interface ThreadPool {
  readonly threads: number;
  /** Whether idle threads wait by looping instead of sleeping. */
  readonly spinning: boolean;
}

/** ONNX Runtime's one environment of a process, with the threads that sessions share. */
export interface OrtEnvironment {
  readonly pointer: Pointer;
  /**
   * Sessions that ask for just this share its threads; others get threads of their own. Pools that spin take
   * the processors from each other: three sessions in turn ran four times slower with one pool each.
   */
  sharedPool: ThreadPool | undefined;
}

const environments = new Map<OrtApi, OrtEnvironment>();

/** The environment; the first session's wishes decide on the shared threads. Never released: see `OrtApi`. */
export function environmentOf(api: OrtApi, pool: ThreadPool): OrtEnvironment {
  let environment = environments.get(api);
  if (environment === undefined) {
    environment = { pointer: createEnvironment(api, pool), sharedPool: pool };
    environments.set(api, environment);
  }
  return environment;
}

function createEnvironment(api: OrtApi, { threads, spinning }: ThreadPool): Pointer {
  const where = "environment";
  const options = api.create(where, "CreateThreadingOptions");
  try {
    api.call(where, "SetGlobalIntraOpNumThreads", options, threads);
    // Nodes run one after the other; the pool that could run several at once would only idle.
    api.call(where, "SetGlobalInterOpNumThreads", options, 1);
    api.call(where, "SetGlobalSpinControl", options, spinning ? 1 : 0);
    return api.create(where, "CreateEnvWithGlobalThreadPools", logSeverity, "mplug-owl", options);
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
