import {
  type AttentionMaps,
  changedFiles,
  forgetFiles,
  type PageMessage,
  type PageSettings,
  WorkerOwl,
  type WorkerOwlEvent,
  type WorkerOwlOptions,
} from "../../src/browser/index.ts";
import { decodeImage, decodeVideo, type Fidelity, type RgbImage } from "../../src/image/index.ts";
import { openDevice } from "../../src/runtime/index.ts";
import { integerProducts } from "../../src/runtime/integer-products.ts";

/**
 * @param name how the worker's environment is changed, see owl.worker.ts; "scarce memory" applies to the first worker only
 */
function newWorker(name: string): Worker {
  const worker = new Worker(new URL("./owl.worker.ts", import.meta.url), { type: "module", name });
  worker.addEventListener("message", ({ data }) => {
    if (data.type === "text") piecesSaid++;
  });
  return worker;
}

/** Pieces of text that workers have sent, whether or not anybody still reads them. */
let piecesSaid = 0;

/** A question as a test sends it into the page, pictures as URLs. */
export interface Question {
  readonly text: string;
  readonly pictures?: readonly string[];
}

export interface Asked {
  readonly ids: readonly number[];
  readonly text: string;
  readonly promptTokens?: number;
  readonly error?: string;
}

let owl: WorkerOwl | undefined;
const events: WorkerOwlEvent[] = [];

async function messageOf({ text, pictures = [] }: Question): Promise<PageMessage> {
  const files = pictures.map(async (address) => (await fetch(address)).blob());
  const images = (await Promise.all(files)).map((image) => ({ type: "image" as const, image }));
  return { role: "user", content: [...images, { type: "text", text }] };
}

export interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly data: readonly number[];
}

const asList = ({ width, height, data }: RgbImage): Decoded => ({ width, height, data: [...data] });

async function inBytes<T>(address: string, use: (bytes: Uint8Array) => Promise<T>): Promise<T | string> {
  try {
    return await use(new Uint8Array(await (await fetch(address)).arrayBuffer()));
  } catch (error) {
    return (error as Error).message;
  }
}

/** Functions that tests call in the page. */
export const harness = {
  open(worker: string, options: Partial<WorkerOwlOptions> = {}): void {
    events.length = 0;
    const names = worker === "scarce memory" ? [worker] : [];
    owl = new WorkerOwl({
      worker: () => newWorker(names.pop() ?? (worker === "scarce memory" ? "plain" : worker)),
      model: "/models/owl-nano",
      onEvent: (event) => events.push(event),
      ...options,
    });
  },
  async load(): Promise<void> {
    await owl?.load();
  },
  async ask(question: Question, settings: PageSettings = {}): Promise<Asked> {
    if (owl === undefined) throw new Error("open an owl first");
    const reply = owl.chat([await messageOf(question)], settings);
    const pieces: string[] = [];
    try {
      for await (const piece of reply) pieces.push(piece);
      return await reply.answer();
    } catch (error) {
      return {
        ids: [],
        text: pieces.join(""),
        error: `${(error as Error).name}: ${(error as Error).message}`,
      };
    }
  },
  /** Acts after an answer's first piece, then reads on unless the action left the loop. */
  async askAnd(
    what: "stop" | "leave" | "lose the GPU",
    question: Question,
    settings: PageSettings = {},
  ): Promise<Asked> {
    const stop = new AbortController();
    const reply = owl?.chat([await messageOf(question)], { ...settings, signal: stop.signal });
    const got: string[] = [];
    try {
      for await (const piece of reply ?? []) {
        if (got.push(piece) > 1) continue;
        if (what === "leave") break;
        if (what === "stop") stop.abort();
        else new BroadcastChannel("gpu").postMessage("destroy");
      }
    } catch (error) {
      return { ids: [], text: got.join(""), error: (error as Error).name };
    }
    return { ids: [], text: got.join("") };
  },
  /** A picture as the library decodes it in this page: its size and RGB bytes, or the error. */
  async decode(address: string, fidelity: Fidelity = "default"): Promise<Decoded | string> {
    return inBytes(address, async (bytes) => asList(await decodeImage(bytes, { fidelity })));
  },
  /** Frames of a video, decoded in this page, or the error. */
  async frames(address: string): Promise<Decoded[] | string> {
    const options = { frames: 4, size: 16 };
    return inBytes(address, async (bytes) => (await decodeVideo(bytes, options)).map(asList));
  },
  async close(): Promise<void> {
    await owl?.close();
  },
  /** The attention maps of a picture. */
  async attention(address: string): Promise<Omit<AttentionMaps, "maps"> & { readonly maps: number[] }> {
    if (owl === undefined) throw new Error("open an owl first");
    const maps = await owl.attention(await (await fetch(address)).blob());
    return { ...maps, maps: [...maps.maps] };
  },
  /** Whether products of bytes are exact in this page, and with which settings. Its bundle cannot be that of threads. */
  async integerProducts(): Promise<unknown> {
    const device = await openDevice({ device: "cpu", threads: 1 });
    return integerProducts("cpu", (model, options) => device.compileModel(model, options));
  },
  piecesSaid: () => piecesSaid,
  events: (): readonly WorkerOwlEvent[] => events,
  device: () => owl?.device,
  changedFiles: () => changedFiles("/models/owl-nano"),
  forgetFiles: () => forgetFiles("/models/owl-nano"),
  isIsolated: () => crossOriginIsolated,
  isSecure: () => isSecureContext,
};

export type Harness = typeof harness;

(globalThis as unknown as { harness: Harness }).harness = harness;
