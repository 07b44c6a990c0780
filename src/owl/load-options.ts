import { z } from "zod";
import type { Fidelity } from "../image/index.ts";
import { cacheSizes, kvCacheDtypes, type OwlConfig } from "../model/index.ts";
import { checkOptions, OptionsError, option } from "../platform/index.ts";
import { type DeviceOptions, deviceRules } from "../runtime/index.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** Where the model runs. Default "cpu". */
  readonly device?: DeviceOptions["device"] | undefined;
  /** Threads of the CPU kernels. Default: one for each processor. */
  readonly threads?: number | undefined;
  /** Whether idle threads wait by looping until a run ends: faster on an idle machine, slower on a busy one. Default false: ten microseconds. */
  readonly spinning?: boolean | undefined;
  /** How ONNX Runtime is reached; see `openDevice`. */
  readonly binding?: DeviceOptions["binding"] | undefined;
  /**
   * How the keys and values of a conversation are kept in memory: `"int8"` takes a quarter of the room, reads a quarter of the bytes for
   * each token and changes answers a little. Only on the CPU. Default `"float32"`.
   */
  readonly kvCacheDtype?: "float32" | "int8" | undefined;
  /**
   * How products with weights of 4 or 8 bits take activations: `"int8"` rounds them, `"float32"` takes them as they are, which takes two to
   * three times as long with weights of 4 bits and fifty times and more with those of 8. Default: as the model's config.json says, whose
   * own default is `"int8"`, as it is of GGUF files. An adapter's matrices, and models in floating point, always take them as they are.
   */
  readonly activations?: "int8" | "float32" | undefined;
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
    kvCacheDtype: option.oneOf(kvCacheDtypes),
    activations: option.oneOf(["int8", "float32"]),
    adapter: option.place,
    onWarning: option.callback,
    fidelity: option.oneOf(["default", "reference"]),
    framesPerVideo: z.int().min(2).optional().describe("a whole number of at least 2"),
  });
  if (options.kvCacheDtype === "int8" && (options.device ?? "cpu") !== "cpu") {
    throw new OptionsError(
      `Owl.load: kvCacheDtype "int8" must be used with the device "cpu", got "${options.device}"; leave it out`,
    );
  }
}

/** @throws OptionsError where the model's keys and values cannot be kept so */
export function checkKvCache(
  { language }: OwlConfig,
  directory: string,
  { kvCacheDtype }: LoadOptions,
): void {
  if (kvCacheDtype !== "int8" || cacheSizes(language).pictureLayers === undefined) return;
  throw new OptionsError(
    `${directory}: kvCacheDtype "int8" must be used with a model that reads pictures as words, got one whose layers look at pictures beside the text (mPLUG-Owl3); leave it out`,
  );
}
