import { isMainThread } from "node:worker_threads";
import type { Koffi } from "../koffi.ts";
import { OnnxRuntimeError } from "./binding.ts";

/**
 * ONNX Runtime's official builds write a device id and a data base of events below the home directory and send them to
 * their vendor, unless this variable is set in the environment of the process when its first session is made. On Windows
 * it is not read: events go to the system's own tracing, which `DisableTelemetryEvents` of the C API ends.
 */
const variable = "ORT_DISABLE_TELEMETRY";
const off = "1";

/** Whether it was set before this module was loaded; a worker thread gets a copy of its parent's environment. */
const inherited = process.env[variable] === off;

// Right when the package is imported: a program may have loaded ONNX Runtime before, and make a session of its own next.
process.env[variable] = off;

/**
 * Turns ONNX Runtime's telemetry off for this process, which must happen before its first session is made. In a worker
 * thread, and where a test runner put an object in place of `process.env`, what is assigned there never reaches
 * the process; the C library's own function does.
 *
 * @param koffi undefined where it cannot be loaded
 * @throws {OnnxRuntimeError} where it cannot be turned off: nothing may be sent unasked
 */
export function disableTelemetry(koffi: Koffi | undefined): void {
  if (process.platform === "win32") return;
  if (koffi !== undefined) setForProcess(koffi);
  else if (!isMainThread && !inherited) {
    throw new OnnxRuntimeError(
      "ONNX Runtime's telemetry: must be off before a session is made, and a worker thread without koffi cannot turn " +
        `it off; import mplug-owl in the main thread as well, or start the program with ${variable}=${off}`,
    );
  }
}

function setForProcess(koffi: Koffi): void {
  const library = koffi.load(null);
  const read: (name: string) => string | null = library.func("str getenv(str)");
  if (read(variable) === off) return;
  const write: (name: string, value: string, replace: number) => number =
    library.func("int setenv(str, str, int)");
  if (write(variable, off, 1) !== 0) {
    throw new OnnxRuntimeError(
      `ONNX Runtime's telemetry: must be off before a session is made, got no room for ${variable} in the environment`,
    );
  }
}
