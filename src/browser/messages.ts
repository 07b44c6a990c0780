import type { ChatAnswer, GenerationSettings } from "../generation/index.ts";
import type { AttentionMaps } from "../inspection/index.ts";
import {
  type ChatMessage,
  type ChatSettings,
  type ImageSource,
  requireMedia,
  type VideoSource,
} from "../owl/index.ts";
import type { BrowserProvider, Transfer } from "../platform/index.ts";
import type { ContentPart, Message } from "../prompt/index.ts";

/** A message of a conversation. */
export type PageMessage = ChatMessage;

/** A finished answer. */
export type PageAnswer = ChatAnswer;

/** Settings of an answer as they are posted to a worker; an AbortSignal cannot be posted. */
export type WorkerChatSettings = Partial<GenerationSettings> &
  Pick<ChatSettings, "truncation" | "templateVariables">;

/** Where a model runs in a browser: on the GPU, or on the processor as WebAssembly. */
export type BrowserDevice = BrowserProvider;

/** A message from the page to its worker. `id` numbers a question, and its responses carry it. */
export type WorkerRequest =
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
      readonly settings: WorkerChatSettings;
    }
  | {
      readonly type: "attention";
      readonly id: number;
      readonly picture: ImageSource;
      readonly question: string | undefined;
    }
  /** Aborts an answer before its next token. */
  | { readonly type: "stop"; readonly id: number };

/** A message from the worker to its page. */
export type WorkerResponse =
  | { readonly type: "transfer"; readonly transfer: Transfer }
  | { readonly type: "ready"; readonly threads: number }
  | { readonly type: "text"; readonly id: number; readonly text: string }
  | { readonly type: "answer"; readonly id: number; readonly answer: PageAnswer }
  | { readonly type: "attention"; readonly id: number; readonly maps: AttentionMaps }
  /** An error. Without `id` it is that of loading the model. */
  | {
      readonly type: "failed";
      readonly id?: number | undefined;
      readonly name: string;
      readonly message: string;
    };

/** An image or a video as it can be posted: a worker has another base URL than its page, so URLs become absolute. */
export function postable<T>(source: T, base: string): T | string {
  return typeof source === "string" || source instanceof URL ? new URL(source, base).href : source;
}

/**
 * Messages as they can be posted to a worker.
 *
 * @throws PromptError naming what is neither an image nor a video
 */
export function postableMessages(messages: readonly PageMessage[], base: string): PageMessage[] {
  const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  requireMedia(parts.flatMap((part) => (part.type === "image" || part.type === "video" ? [part] : [])));
  const absolute = <T>(source: T): T | string => postable(source, base);
  return mapMedia<ImageSource, VideoSource>(messages, absolute, absolute);
}

function mapMedia<Image, Video>(
  messages: readonly PageMessage[],
  image: (source: ImageSource) => Image,
  video: (source: VideoSource) => Video,
): Message<Image, Video>[] {
  return messages.map(({ role, content }) => {
    if (typeof content === "string") return { role, content };
    const parts = content.map((part): ContentPart<Image, Video> => {
      if (part.type === "image") return { type: part.type, image: image(part.image) };
      return part.type === "video" ? { type: part.type, video: video(part.video) } : part;
    });
    return { role, content: parts };
  });
}
