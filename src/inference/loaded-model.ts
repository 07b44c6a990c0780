import type { StateDict } from "../checkpoint/index.ts";
import {
  BOUNDED_CHUNK,
  cacheSizes,
  hyperOf,
  type KvCacheDtype,
  modelScope,
  type OwlConfig,
  picturePosition,
  tilePositions,
  tokensPerImage,
  traceAttention,
  traceDecode,
  tracePictureKeys,
  tracePrefill,
  traceVideo,
  traceVision,
  visionTokens,
} from "../model/index.ts";
import { type Device, type Program, quantizedParameters, type StoredParameters } from "../runtime/index.ts";
import { float32, type Graph, type HostTensor, int64, placeholdersOf, type Scope } from "../tensor/index.ts";
import { requireCorrectAttention } from "./attention-check.ts";
import { ClosedError } from "./closed-error.ts";
import { engineDefaults } from "./engine-defaults.ts";
import type { KeptPicture } from "./kept-pictures.ts";
import { type Allocate, KvCache } from "./kv-cache.ts";
import { newKvScales } from "./kv-scales.ts";
import { copiesBuffers, freePositions } from "./prefill-limit.ts";
import type { Media } from "./prompt.ts";
import type { RunExclusive } from "./run-exclusive.ts";
import { VisualCache } from "./visual-cache.ts";

/** A program and the parameters it asks for. */
export interface BoundProgram {
  readonly program: Program;
  readonly parameters: Readonly<Record<string, HostTensor>>;
}

/** Pictures, or frames of videos, that go through the vision encoder at once. */
export const imagesPerBatch = 16;

/**
 * Bytes of one layer's scores of the pictures that go through the vision encoder at once: those of nine pictures of the published model,
 * and less than those of two of mPLUG-Owl3's. Large pictures gain nothing from each other.
 */
const encodedScoreBytes = 40 * 2 ** 20;

/** The prefills' programs. The one that takes visual tokens also takes none. */
const prefillNames = { visual: "prefill with visual tokens", text: "prefill" };

/** Where a model's parameters are that are not in memory, and how it is traced. */
export interface LoadedModelOptions {
  readonly stored?: StoredParameters | undefined;
  /** Makes the scope in which the model is traced; default: as its config says. */
  readonly newScope?: (() => Scope) | undefined;
  /** Whether the numbers of parameters but those of quantised weights change between calls, so that programs must read them anew. Default false. */
  readonly changes?: boolean | undefined;
  /** How keys and values are kept; "int8" asks for {@link calibrateKvCache} before the first prompt. Default "float32". */
  readonly kvCacheDtype?: KvCacheDtype | undefined;
}

/** A model's weights on a device and its inference programs, each compiled when it is first needed. */
export class LoadedModel {
  readonly config: OwlConfig;
  readonly device: Device;
  /** By their published names; without those that are stored. */
  readonly parameters: StateDict;
  /** Parameters that stay in their files, from where programs map them; absent: all are in memory. */
  readonly stored: StoredParameters | undefined;
  /** Whether one program does everything, with its weights as constants: those of stored ones, and of quantised ones. */
  readonly #isOne: boolean;
  readonly #languagePrograms = new Map<string, Promise<BoundProgram>>();
  readonly #visionPrograms = new Map<string, Promise<BoundProgram>>();
  /** The visual tokens of images and videos that were encoded before. */
  readonly visualCache = new VisualCache(engineDefaults.visualCacheBytes);
  readonly kvCacheDtype: KvCacheDtype;
  /** The scales of a KV cache in int8, as programs take them: `key_scale.N`, `value_scale.N`. */
  readonly kvScales: Readonly<Record<string, HostTensor<"float32">>>;
  #attentionCheck: Promise<void> | undefined;
  /** How many calls are using the vision encoder. */
  #encoding = 0;
  #closed = false;
  readonly #newScope: (() => Scope) | undefined;
  readonly #changes: boolean;

  /** `parameters` by their published names; they are not copied and must stay as they are, unless `changes`. */
  constructor(
    config: OwlConfig,
    parameters: StateDict,
    device: Device,
    { stored, newScope, changes = false, kvCacheDtype = "float32" }: LoadedModelOptions = {},
  ) {
    this.config = config;
    this.device = device;
    this.parameters = parameters;
    this.stored = stored;
    this.kvCacheDtype = kvCacheDtype;
    this.kvScales = kvCacheDtype === "int8" ? newKvScales(config, device) : {};
    // Kernels of quantised products rearrange constant weights once, and other ones at every call.
    this.#isOne = stored !== undefined || (config.quantization !== undefined && device.takesConstants);
    this.#newScope = newScope;
    this.#changes = changes;
  }

  /** A fresh scope in which the model is traced. */
  newScope(): Scope {
    return this.#newScope?.() ?? modelScope(this.config);
  }

  /**
   * Compiles the language model's programs now rather than with the first prompt. Where parameters are stored or quantised
   * it is one program for everything, so that its rearranged weights are in memory once.
   */
  async warmup(): Promise<void> {
    await this.prefillProgram(true);
    await this.decodeProgram();
  }

  /** The vision encoder and the abstractor: images (or videos of so many frames) to visual tokens. */
  visionProgram(frames?: number): Promise<BoundProgram> {
    const trace = (): Graph =>
      frames === undefined
        ? traceVision(this.config, this.newScope())
        : traceVideo(this.config, frames, this.newScope());
    return this.#program(
      this.#visionPrograms,
      frames === undefined ? "images" : `${frames} frames`,
      trace,
      this.device.takesConstants,
    );
  }

  /** The prefill: several new tokens a row, into the KV cache. */
  async prefillProgram(visual: boolean): Promise<BoundProgram> {
    // The CPU's kernels are under test; a GPU's depend on the adapter.
    if (this.device.name !== "cpu") {
      this.#attentionCheck ??= requireCorrectAttention(this.device);
      await this.#attentionCheck;
    }
    const isThere = (name: string): boolean => this.#languagePrograms.has(name);
    const takesVisual =
      visual || this.#isOne || (isThere(prefillNames.visual) && !isThere(prefillNames.text));
    const options = { pictures: takesVisual, kvCacheDtype: this.kvCacheDtype };
    const trace = (): Graph => tracePrefill(this.config, options, this.newScope());
    const name = takesVisual ? prefillNames.visual : prefillNames.text;
    return this.#program(this.#languagePrograms, name, trace, this.#isOne && this.stored === undefined);
  }

  /** The prefill that tells, too, how layers share out their attention over pictures beside the text. */
  shareProgram(): Promise<BoundProgram> {
    const trace = (): Graph => tracePrefill(this.config, { pictures: true, shares: true }, this.newScope());
    // It is rarely asked for: its weights are not rearranged for it once more.
    return this.#program(this.#languagePrograms, "prefill with shares", trace);
  }

  /** The decode step: one new token a row. A program of its own, or (see {@link warmup}) that of the prefill. */
  decodeProgram(): Promise<BoundProgram> {
    if (this.#isOne) return this.prefillProgram(true);
    const trace = (): Graph => traceDecode(this.config, this.newScope(), this.kvCacheDtype);
    return this.#program(this.#languagePrograms, "decode", trace);
  }

  /**
   * An empty KV cache for so many rows, with room for `positions` each. One row on the CPU has much room by default:
   * memory that was never written to takes none, but growing takes twice the room for a moment.
   */
  newCache(rows: number, positions = rows === 1 ? this.initialCapacity : 0): KvCache {
    const allocate: Allocate = (dims) => this.device.allocate(this.kvCacheDtype, dims);
    const cache = new KvCache(cacheSizes(this.config.language), rows, allocate);
    cache.reserve(positions);
    return cache;
  }

  /** Whether images wait until their program is compiled, which leaves processors to something else. */
  get compilesForImages(): boolean {
    return this.stored !== undefined && !copiesBuffers(this.device);
  }

  /** New positions that a row of the KV cache takes at once. */
  get longestPrefill(): number {
    return cacheSizes(this.config.language).bounded === undefined ? Number.POSITIVE_INFINITY : BOUNDED_CHUNK;
  }

  /** Positions that a row of a KV cache has room for from the start without a cost. */
  get initialCapacity(): number {
    if (copiesBuffers(this.device)) return 0;
    return Math.min(this.config.language.maxPositions, freePositions[this.kvCacheDtype]);
  }

  /**
   * The visual tokens of images and videos, one after the other: [media · (queries + 1) · language hidden] numbers.
   * Those that are cached by their keys are not encoded again.
   *
   * @param most images, or frames of videos, that are encoded at once, as far as their attention's scores leave room
   * @param signal ends the work before the next batch
   */
  async visualTokens(
    media: readonly Media[],
    most = imagesPerBatch,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const known = new Map<string, Float32Array>();
    const fresh = new Map<string, Media>();
    for (const one of media) {
      if (known.has(one.key) || fresh.has(one.key)) continue;
      const visual = this.visualCache.get(one.key);
      if (visual !== undefined) known.set(one.key, visual);
      else fresh.set(one.key, one);
    }
    await this.#withVision(async () => {
      for (const frames of new Set([...fresh.values()].map((one) => one.frames))) {
        const open = [...fresh.values()].filter((one) => one.frames === frames);
        const atOnce = Math.max(1, Math.floor(Math.min(most, this.#mostEncoded) / (frames ?? 1)));
        for (let at = 0; at < open.length; at += atOnce) {
          signal?.throwIfAborted();
          const some = open.slice(at, at + atOnce);
          for (const [i, visual] of (await this.#encode(some, frames)).entries()) {
            known.set(some[i].key, visual);
            this.visualCache.set(some[i].key, visual);
          }
        }
      }
    });
    return concatenated(media.map(({ key }) => known.get(key)!));
  }

  /**
   * Keys and values of pictures beside the text for the layers that look at them, of which a picture is one run.
   *
   * @param starts where their markers begin
   * @param visual their tokens, one picture after the other
   * @param exclusively how the program is run
   */
  async pictureKeys(
    starts: readonly number[],
    visual: Float32Array,
    exclusively: RunExclusive,
  ): Promise<KeptPicture[]> {
    if (starts.length === 0) return [];
    const visualTokens = tokensPerImage(this.config);
    const { hidden } = this.config.language;
    const layers = cacheSizes(this.config.language).pictureLayers ?? [];
    const { program, parameters } = await this.#program(
      this.#languagePrograms,
      "picture keys",
      () => tracePictureKeys(this.config, this.newScope()),
      this.#isOne && this.stored === undefined,
    );
    const kept: KeptPicture[] = [];
    for (const [i, start] of starts.entries()) {
      const width = visualTokens * hidden;
      const position = picturePosition(hyperOf(this.config)!, start);
      const feeds = {
        ...parameters,
        visual: float32(visual.slice(i * width, (i + 1) * width), [1, visualTokens, hidden]),
        positions: int64(new Array<number>(visualTokens).fill(position), [1, visualTokens]),
      };
      const made = await exclusively(() => program.run(feeds));
      const names = layers.flatMap((layer) => [`key.${layer}`, `value.${layer}`]);
      kept.push({ start, keysValues: names.map((name) => made[name].data as Float32Array) });
    }
    return kept;
  }

  /**
   * Attention probabilities of the visual abstractor's queries over an image's patches, by layer:
   * [1, heads, queries, patches] each.
   */
  async abstractorAttention(image: Media): Promise<HostTensor[]> {
    const { imageSize } = this.config.vision;
    const pixels = this.device.allocate("float32", [1, 3, imageSize, imageSize]);
    pixels.data.set(image.pixels);
    return this.#withVision(async () => {
      const { program, parameters } = await this.#program(this.#visionPrograms, "attention", () =>
        traceAttention(this.config, this.newScope()),
      );
      const results = await program.run({ ...parameters, pixel_values: pixels });
      return Array.from({ length: this.config.abstractor.layers }, (_, i) => results[`attention.${i}`]);
    });
  }

  /** Does work that needs the vision encoder; where its weights are stored, their memory is released afterwards. */
  async #withVision<T>(work: () => Promise<T>): Promise<T> {
    this.#encoding++;
    try {
      return await work();
    } finally {
      this.#encoding--;
      if (this.stored !== undefined && this.#encoding === 0) await this.#releaseVision();
    }
  }

  /** Releases the memory of the vision encoder's stored weights: mapping them again takes less than a second. */
  async #releaseVision(): Promise<void> {
    const programs = [...this.#visionPrograms.values()];
    this.#visionPrograms.clear();
    await disposeAll(programs);
  }

  /** @throws ClosedError after {@link close} */
  requireOpen(): void {
    if (this.#closed) throw new ClosedError("owl: must be open to be asked, got a closed one; load it again");
  }

  /** Releases the programs, once their runs have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    const programs = [...this.#languagePrograms.values(), ...this.#visionPrograms.values()];
    this.#languagePrograms.clear();
    this.#visionPrograms.clear();
    this.visualCache.clear();
    await disposeAll(programs);
  }

  /** Images, or frames, whose scores in a layer of the vision encoder find room at once; one in any case. */
  get #mostEncoded(): number {
    // WebAssembly keeps the memory that a run took, and gains nothing by larger ones.
    if (this.device.name === "cpu" && this.device.copiesFeeds) return 1;
    const { vision } = this.config;
    const scores = vision.heads * visionTokens(vision) ** 2;
    return Math.floor(encodedScoreBytes / (scores * Float32Array.BYTES_PER_ELEMENT));
  }

  /** Encodes images, or videos of so many frames, in one run. */
  async #encode(media: readonly Media[], frames: number | undefined): Promise<Float32Array[]> {
    const { imageSize } = this.config.vision;
    const inTime = frames === undefined ? [] : [frames];
    const pixels = this.device.allocate("float32", [media.length, 3, ...inTime, imageSize, imageSize]);
    for (const [i, one] of media.entries()) pixels.data.set(one.pixels, i * one.pixels.length);
    const { program, parameters } = await this.visionProgram(frames);
    const name = frames === undefined ? "pixel_values" : "video_pixel_values";
    const { visual } = await program.run({ ...parameters, [name]: pixels, ...tileFeeds(media) });
    const width = tokensPerImage(this.config) * this.config.language.hidden;
    const values = visual.data as Float32Array;
    return media.map((_, i) => values.slice(i * width, (i + 1) * width));
  }

  async #program(
    programs: Map<string, Promise<BoundProgram>>,
    name: string,
    trace: () => Graph,
    constant = false,
  ): Promise<BoundProgram> {
    this.requireOpen();
    const known = programs.get(name);
    if (known !== undefined) return known;
    const made = this.#compile(trace(), constant);
    programs.set(name, made);
    return made;
  }

  /** With `constant` the kernels rearrange the parameters that do not change once, which takes their size in memory again. */
  async #compile(graph: Graph, constant: boolean): Promise<BoundProgram> {
    const stored = this.stored?.places;
    const names = [...placeholdersOf(graph).parameters.keys()].filter((name) => !stored?.has(name));
    const unchanging = this.#changes ? quantizedParameters(graph) : new Set(names);
    const [parameters, constants]: Record<string, HostTensor>[] = [{}, {}];
    for (const name of names) {
      const tensor = this.parameters.get(name);
      if (tensor === undefined) throw new RangeError(`model: needs the parameter ${name}, got none`);
      (constant && unchanging.has(name) ? constants : parameters)[name] = tensor;
    }
    const { stored: files } = this;
    const program = await this.device.compile(graph, { stored: files, ...(constant && { constants }) });
    return { program, parameters };
  }
}

/** Where tiles lie, for the input `patch_positions` [images, 2]; nothing for what is no tile. */
function tileFeeds(media: readonly Media[]): Record<string, HostTensor> {
  const positions = media.flatMap(({ position }) => (position ? [position] : []));
  return positions.length === 0 ? {} : { patch_positions: tilePositions(positions) };
}

/** Disposes programs once they are compiled. A failed compilation was thrown to its caller already. */
async function disposeAll(programs: readonly Promise<BoundProgram>[]): Promise<void> {
  for (const one of await Promise.allSettled(programs)) {
    if (one.status === "fulfilled") one.value.program.dispose();
  }
}

/** Arrays one behind the other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
