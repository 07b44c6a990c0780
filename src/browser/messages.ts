import type { Answer, GenerationSettings } from "../generation/index.ts";
import type { AttentionMaps } from "../inspection/index.ts";
import {
  type ChatMessage,
  type ChatSettings,
  type PictureSource,
  requireMedia,
  type VideoSource,
} from "../owl/index.ts";
import type { BrowserProvider, Transfer } from "../platform/index.ts";
import type { Message, Part } from "../prompt/index.ts";

/** A message of a conversation. */
export type PageMessage = ChatMessage;

/** A finished answer with the length of what it answers, visual tokens included. */
export interface PageAnswer extends Answer {
  readonly promptTokens: number;
}

/** How an answer is made, as it is posted to a worker. */
export type AskedSettings = Partial<GenerationSettings> & Pick<ChatSettings, "truncation">;

/** Where a model runs in a browser: on the GPU, or on the processor as WebAssembly. */
export type BrowserDevice = BrowserProvider;

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
  | { readonly type: "attention"; readonly id: number; readonly picture: PictureSource }
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

/** The same conversation with pictures of one pixel, which takes as many tokens. */
export function outlined(messages: readonly PageMessage[], framesPerVideo: number): ChatMessage[] {
  const pixel = { width: 1, height: 1, data: new Uint8Array(3) };
  const frames = new Array<typeof pixel>(framesPerVideo).fill(pixel);
  return withMedia(
    messages,
    () => pixel,
    () => frames,
  );
}

/** A picture or a video as it can be posted to a worker, whose own address is another than the page's. */
export function postable<T>(source: T, base: string): T | string {
  return typeof source === "string" || source instanceof URL ? new URL(source, base).href : source;
}

/**
 * Messages as they can be posted to a worker.
 *
 * @throws PromptError naming what is no picture or video
 */
export function postableMessages(messages: readonly PageMessage[], base: string): PageMessage[] {
  const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  requireMedia(parts.flatMap((part) => (part.type === "image" || part.type === "video" ? [part] : [])));
  const whole = <T>(source: T): T | string => postable(source, base);
  return withMedia<PictureSource, VideoSource>(messages, whole, whole);
}

function withMedia<Image, Video>(
  messages: readonly PageMessage[],
  image: (source: PictureSource) => Image,
  video: (source: VideoSource) => Video,
): Message<Image, Video>[] {
  return messages.map(({ role, content }) => {
    if (typeof content === "string") return { role, content };
    const parts = content.map((part): Part<Image, Video> => {
      if (part.type === "image") return { type: part.type, image: image(part.image) };
      return part.type === "video" ? { type: part.type, video: video(part.video) } : part;
    });
    return { role, content: parts };
  });
}
