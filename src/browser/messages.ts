import type {
  Answer,
  AttentionMaps,
  ChatMessage,
  ChatSettings,
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

/** How an answer is made, as it is posted to a worker. */
export type AskedSettings = Partial<GenerationSettings> & Pick<ChatSettings, "truncation">;

/** Where a model runs in a browser: on the GPU, or on the processor as WebAssembly. */
export type BrowserDevice = "webgpu" | "cpu";

/** What a page asks its worker. `id` is that of a question. */
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
      readonly settings: AskedSettings;
    }
  | { readonly type: "attention"; readonly id: number; readonly picture: PictureSource | Blob }
  /** Ends an answer before its next token. */
  | { readonly type: "stop"; readonly id: number };

/** What a worker tells its page. */
export type WorkerSays =
  | { readonly type: "transfer"; readonly transfer: Transfer }
  | { readonly type: "ready"; readonly threads: number }
  | { readonly type: "text"; readonly id: number; readonly text: string }
  | { readonly type: "answer"; readonly id: number; readonly answer: PageAnswer }
  | { readonly type: "attention"; readonly id: number; readonly maps: AttentionMaps }
  /** `id` is that of a question; without it nothing could be loaded. */
  | {
      readonly type: "failed";
      readonly id?: number | undefined;
      readonly name: string;
      readonly message: string;
    };

/** A picture or a video as the library reads it. */
export async function bytesOf<T>(source: T | Blob): Promise<T | Uint8Array> {
  return source instanceof Blob ? new Uint8Array(await source.arrayBuffer()) : source;
}

/** Messages as the library reads them. */
export function readable(messages: readonly PageMessage[]): Promise<ChatMessage[]> {
  return withMedia<PictureSource | Uint8Array, VideoSource | Uint8Array>(messages, bytesOf, bytesOf);
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

/** A picture or a video as it can be posted to a worker, whose own address is another than the page's. */
export function postable<T>(source: T, base: string): T | string {
  return typeof source === "string" || source instanceof URL ? new URL(source, base).href : source;
}

/** Messages as they can be posted to a worker. */
export function postableMessages(messages: readonly PageMessage[], base: string): Promise<PageMessage[]> {
  const whole = async <T>(source: T): Promise<T | string> => postable(source, base);
  return withMedia<PictureSource | Blob, VideoSource | Blob>(messages, whole, whole);
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
