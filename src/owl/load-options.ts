import { z } from "zod";
import type { Fidelity } from "../image/index.ts";
import { checkOptions, option } from "../platform/index.ts";
import { type DeviceOptions, deviceRules } from "../runtime/index.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** Where the model runs. Default "cpu". */
  readonly device?: DeviceOptions["device"] | undefined;
  /** Threads of the CPU kernels. Default: one for each processor. */
  readonly threads?: number | undefined;
  /** Whether idle threads wait by looping: faster on an idle machine, slower on a busy one. Default false. */
  readonly spinning?: boolean | undefined;
  /** How ONNX Runtime is reached; see `openDevice`. */
  readonly binding?: DeviceOptions["binding"] | undefined;
  /** A LoRA adapter: a directory as PEFT writes it, its safetensors or `.bin` file, or a fetched repo of the hub. */
  readonly adapter?: string | URL | undefined;
  /**
   * Called with warnings of a model that loads: an adapter that was trained on another model, a generation_config.json
   * with settings that are not supported. Default: `console.warn`; `owl.warnings` has them too.
   */
  readonly onWarning?: ((warning: string) => void) | undefined;
  /** `"reference"` reads pictures as the released code does, oddities included. Default `"default"`. */
  readonly fidelity?: Fidelity | undefined;
  /** Frames that the model sees of a video, spread over its length; 2 or more. Default 4, and for mPLUG-Owl3 one of each second, 16 at most, as released. */
  readonly framesPerVideo?: number | undefined;
}

/** @throws OptionsError naming every option that is unknown or cannot be */
export function checkLoadOptions(options: LoadOptions): void {
  const { device, threads, spinning, binding } = deviceRules;
  checkOptions<LoadOptions>("Owl.load", options, {
    device,
    threads,
    spinning,
    binding,
    adapter: option.place,
    onWarning: option.callback,
    fidelity: option.oneOf(["default", "reference"]),
    framesPerVideo: z.int().min(2).optional().describe("a whole number of at least 2"),
  });
}
