import type {
  Answer,
  ChatMessage,
  GenerationSettings,
  PictureSource,
  VideoSource,
} from "../generation/index.ts";
import type { Transfer } from "../platform/index.ts";
import type { Message } from "../prompt/index.ts";

/** A message of a conversation; its pictures and videos may also be Blobs, such as the Files that a page is given. */
export type PageMessage = Message<PictureSource | Blob, VideoSource | Blob>;

/** A finished answer with the length of what it answers, visual tokens included. */
export interface PageAnswer extends Answer {
  readonly promptTokens: number;
}

/** Where a model runs in a browser: on the GPU, or on the processor as WebAssembly. */
export type BrowserDevice = "webgpu" | "cpu";

/** What a page asks its worker. */
export type PageSays =
  | {
      readonly type: "load";
      readonly model: string;
      readonly device: BrowserDevice;
      readonly threads: number | undefined;
      readonly framesPerVideo: number | undefined;
    }
  | {
      readonly type: "chat";
      readonly id: number;
      readonly messages: readonly PageMessage[];
      readonly settings: Partial<GenerationSettings>;
    }
  /** Ends an answer before its next token. */
  | { readonly type: "stop"; readonly id: number };

/** What a worker tells its page. */
export type WorkerSays =
  | { readonly type: "transfer"; readonly transfer: Transfer }
  | { readonly type: "ready"; readonly threads: number }
  | { readonly type: "text"; readonly id: number; readonly text: string }
  | { readonly type: "answer"; readonly id: number; readonly answer: PageAnswer }
  /** `id` is that of an answer; without it nothing could be loaded. */
  | {
      readonly type: "failed";
      readonly id?: number | undefined;
      readonly name: string;
      readonly message: string;
    };

/** Pictures and videos as the library reads them. */
export async function readable(messages: readonly PageMessage[]): Promise<ChatMessage[]> {
  const bytesOf = async <T>(source: T | Blob): Promise<T | Uint8Array> =>
    source instanceof Blob ? new Uint8Array(await source.arrayBuffer()) : source;
  return withMedia(messages, bytesOf, bytesOf);
}

/** The same conversation with pictures of one pixel, which takes as many tokens. */
export function outlined(messages: readonly PageMessage[], framesPerVideo: number): Promise<ChatMessage[]> {
  const pixel = { width: 1, height: 1, data: new Uint8Array(3) };
  const frames = new Array<typeof pixel>(framesPerVideo).fill(pixel);
  return withMedia(
    messages,
    async () => pixel,
    async () => frames,
  );
}

/** Pictures and videos as they can be posted to a worker, whose own address is another than the page's. */
export function postable(messages: readonly PageMessage[], base: string): Promise<PageMessage[]> {
  const wholeAddress = async <T>(source: T): Promise<T | string> =>
    typeof source === "string" || source instanceof URL ? new URL(source, base).href : source;
  return withMedia<PictureSource | Blob, VideoSource | Blob>(messages, wholeAddress, wholeAddress);
}

async function withMedia<Image, Video>(
  messages: readonly PageMessage[],
  image: (source: PictureSource | Blob) => Promise<Image>,
  video: (source: VideoSource | Blob) => Promise<Video>,
): Promise<Message<Image, Video>[]> {
  const changed: Message<Image, Video>[] = [];
  for (const { role, content } of messages) {
    if (typeof content === "string") changed.push({ role, content });
    else {
      const parts = content.map(async (part) => {
        if (part.type === "image") return { type: part.type, image: await image(part.image) };
        if (part.type === "video") return { type: part.type, video: await video(part.video) };
        return part;
      });
      changed.push({ role, content: await Promise.all(parts) });
    }
  }
  return changed;
}
