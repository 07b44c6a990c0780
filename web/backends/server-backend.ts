import { EventSourceParserStream } from "eventsource-parser/stream";
import {
  type AttentionMaps,
  BackendError,
  type BackendLimits,
  type ChatBackend,
  type ChatEvent,
  type ChatMessage,
  type ChatSettings,
  type ContentPart,
  type Feedback,
  type FinishReason,
  type ModelInfo,
  type Usage,
} from "./backend.ts";
import { brokenOff, refusal, unreachable } from "./server-errors.ts";

const mebibyte = 2 ** 20;

/** Talks with `owl serve` (or any server of OpenAI's protocol) at an address. */
export class ServerBackend implements ChatBackend {
  /**
   * `owl serve` takes 32 MiB a request by default, in which a byte of a file is 4/3 bytes of base64. Pictures of at
   * most 1.4 MiB let a conversation have the 16 that it takes; a video fits beside a few of them.
   */
  readonly limits: BackendLimits = {
    pictureBytes: 1.4 * mebibyte,
    picturePixels: 50e6,
    videoBytes: 16 * mebibyte,
    attachments: 16,
    pictureTypes: ["image/png", "image/jpeg", "image/webp", "image/gif"],
  };
  readonly #address: string;

  /** @param address of the server, without "/v1"; empty for the one that the page came from */
  constructor(address: string) {
    this.#address = address;
  }

  async models(signal?: AbortSignal): Promise<readonly ModelInfo[]> {
    const response = await this.#fetch("/v1/models", { signal: signal ?? null });
    const body = (await response.json()) as { data?: { id?: unknown; files?: unknown }[] };
    return (body.data ?? []).flatMap(({ id, files }) =>
      typeof id === "string" ? [{ id, hasFiles: files === true }] : [],
    );
  }

  async *chat(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    const body = {
      model: settings.model,
      messages: await Promise.all(messages.map(toApiMessage)),
      ...toApiSettings(settings),
      stream: true,
      stream_options: { include_usage: true },
    };
    const response = await this.#post("/v1/chat/completions", body, signal);
    if (response.body === null) throw brokenOff(undefined);
    yield* readAnswer(response.body);
  }

  async attention(model: string, image: Blob, signal?: AbortSignal): Promise<AttentionMaps> {
    const response = await this.#post("/v1/attention", { model, image: await dataUrl(image) }, signal);
    return (await response.json()) as AttentionMaps;
  }

  async sendFeedback({ messages, ...rest }: Feedback): Promise<void> {
    await this.#post("/v1/feedback", { ...rest, messages: await Promise.all(messages.map(toApiMessage)) });
  }

  #post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return this.#fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#address}${path}`, request);
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw unreachable();
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** What of the protocol's settings differs from the page's. */
export function toApiSettings(settings: ChatSettings): Record<string, unknown> {
  const { sample, beams, seed } = settings;
  return {
    max_tokens: settings.maxTokens,
    temperature: sample ? settings.temperature : 0,
    ...(sample && { top_p: settings.topP, top_k: settings.topK }),
    ...(sample && seed !== undefined && { seed }),
    ...(beams > 1 && { num_beams: beams, length_penalty: settings.lengthPenalty }),
    ...(settings.noRepeatNgram > 0 && { no_repeat_ngram_size: settings.noRepeatNgram }),
  };
}

async function toApiMessage({ role, content }: ChatMessage): Promise<object> {
  if (role === "assistant") return { role, content: content.map(textOf).join("") };
  return { role, content: await Promise.all(content.map(toApiPart)) };
}

const textOf = (part: ContentPart): string => (part.type === "text" ? part.text : "");

async function toApiPart(part: ContentPart): Promise<object> {
  if (part.type === "text") return part;
  const url = await dataUrl(part.data);
  return part.type === "image"
    ? { type: "image_url", image_url: { url } }
    : { type: "video_url", video_url: { url } };
}

/** A file as a data: URL. */
export function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new BackendError("failed", "A file of this conversation cannot be read."));
    reader.readAsDataURL(blob);
  });
}

interface Chunk {
  readonly error?: { readonly message?: string };
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/**
 * The events of a streamed answer. One that ends before the server said why is an error, not a short answer.
 *
 * @throws BackendError where the stream breaks off or tells an error
 */
export async function* readAnswer(body: ReadableStream<Uint8Array>): AsyncGenerator<ChatEvent> {
  let finish: FinishReason | undefined;
  let usage: Usage | undefined;
  for await (const data of eventData(body)) {
    if (data === "[DONE]") break;
    const chunk = parseChunk(data);
    if (chunk.error !== undefined) throw brokenOff(chunk.error.message);
    const [choice] = chunk.choices ?? [];
    if (choice?.delta?.content) yield { text: choice.delta.content };
    if (choice?.finish_reason) finish = choice.finish_reason === "length" ? "length" : "stop";
    if (chunk.usage) {
      usage = {
        promptTokens: chunk.usage.prompt_tokens,
        completionTokens: chunk.usage.completion_tokens,
      };
    }
  }
  if (finish === undefined) {
    throw new BackendError("unreachable", "The connection ended before the answer was complete.");
  }
  yield { finish, usage };
}

function parseChunk(data: string): Chunk {
  try {
    return JSON.parse(data) as Chunk;
  } catch {
    throw brokenOff("it sent something that is not JSON");
  }
}

/** The `data` of each server-sent event. */
async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
  const reader = body.pipeThrough(decoder).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value.data;
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new BackendError("unreachable", "The connection ended before the answer was complete.");
  } finally {
    // Whoever stops reading lets go of the connection, which frees the server's place.
    reader.cancel().catch(() => undefined);
  }
}
