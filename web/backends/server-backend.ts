import { EventSourceParserStream } from "eventsource-parser/stream";
import { settingsRows } from "../../src/generation/index.ts";
import {
  type AttentionAsked,
  type AttentionMaps,
  BackendError,
  type BackendLimits,
  type ChatBackend,
  type ChatEvent,
  type ChatMessage,
  type ChatSettings,
  type ContentPart,
  effectiveSettings,
  type Feedback,
  type FinishReason,
  type ModelInfo,
  type Usage,
} from "./backend.ts";
import { errorFromResponse, streamError, unreachableError } from "./server-errors.ts";

const mebibyte = 2 ** 20;

/** The default limits of `owl serve`. */
const defaultLimits: ServerLimits = {
  body_bytes: 32 * mebibyte,
  pictures: 16,
  picture_bytes: 20 * mebibyte,
  pixels: 50e6,
  tokens: 4096,
};

/** Limits as `/v1/models` reports them. */
interface ServerLimits {
  readonly body_bytes: number;
  readonly pictures: number;
  readonly picture_bytes: number;
  readonly pixels: number;
  readonly tokens: number;
}

/** Talks with `owl serve` (or any server of OpenAI's protocol) at an address. */
export class ServerBackend implements ChatBackend {
  #limits = pageLimits(defaultLimits);
  /** Whether the server is `owl serve`, known by the limits that it reports: then requests may have fields beyond OpenAI's. */
  #isOurs = false;
  readonly #address: string;

  /** @param address of the server, without "/v1"; empty for the one that the page came from */
  constructor(address: string) {
    this.#address = address;
  }

  async models(signal?: AbortSignal): Promise<readonly ModelInfo[]> {
    const response = await this.#fetch("/v1/models", { signal: signal ?? null });
    const { data = [], limits } = (await response.json()) as {
      data?: { id?: unknown; files?: unknown; max_model_len?: unknown }[];
      limits?: unknown;
    };
    this.#isOurs = typeof limits === "object" && limits !== null;
    this.#limits = pageLimits(limitsOf(limits));
    return data.flatMap(({ id, files, max_model_len: positions }) =>
      typeof id === "string"
        ? [{ id, hasFiles: files === true, ...(typeof positions === "number" && { positions }) }]
        : [],
    );
  }

  get truncates(): boolean {
    return this.#isOurs;
  }

  /** As the server reports them with its models. */
  get limits(): BackendLimits {
    return this.#limits;
  }

  async *chat(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    const response = await this.#ask(messages, settings, signal);
    if (response.body === null) throw streamError(undefined);
    yield* readAnswer(response.body);
  }

  /** Where a server that was started anew refuses what it took before, once more within the limits it has now. */
  async #ask(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): Promise<Response> {
    const limits = this.#limits;
    const ask = async (): Promise<Response> => {
      const body = {
        model: settings.model,
        messages: await Promise.all(messages.map(toApiMessage)),
        ...toApiSettings(settings, this.#isOurs),
        ...(this.#isOurs && { truncation: "auto" }),
        max_tokens: Math.min(settings.maxNewTokens, this.#limits.tokens),
        stream: true,
        stream_options: { include_usage: true },
      };
      return this.#post("/v1/chat/completions", body, signal, (param) => attachmentAt(messages, param));
    };
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== "refused") throw error;
      await this.models(signal).catch(() => []);
      if (this.#limits.tokens === limits.tokens) throw error;
      return ask();
    }
  }

  async attention(
    model: string,
    image: Blob,
    { question, signal }: AttentionAsked = {},
  ): Promise<AttentionMaps> {
    const body = { model, image: await dataUrl(image), question };
    const response = await this.#post("/v1/attention", body, signal);
    return (await response.json()) as AttentionMaps;
  }

  async sendFeedback({ messages, ...rest }: Feedback): Promise<void> {
    await this.#post("/v1/feedback", { ...rest, messages: await Promise.all(messages.map(toApiMessage)) });
  }

  #post(
    path: string,
    body: unknown,
    signal?: AbortSignal,
    attachmentAt?: (param: string) => string | undefined,
  ): Promise<Response> {
    const request = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: signal ?? null,
    };
    return this.#fetch(path, request, attachmentAt);
  }

  async #fetch(
    path: string,
    request: RequestInit,
    attachmentAt?: (param: string) => string | undefined,
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#address}${path}`, request);
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw unreachableError();
    }
    if (!response.ok) throw await errorFromResponse(response, attachmentAt);
    return response;
  }
}

/** Reported limits; the default for each that is missing or no number. */
function limitsOf(reported: unknown): ServerLimits {
  const isLimit = ([, value]: [string, unknown]): boolean => Number.isFinite(value) && Number(value) >= 0;
  return { ...defaultLimits, ...Object.fromEntries(Object.entries(reported ?? {}).filter(isLimit)) };
}

/**
 * The limits of a server, for the page. In a request a byte of a file is 4/3 bytes of base64: pictures are made as
 * small as lets a conversation have all that it may have; a video may take half of the request.
 */
export function pageLimits(limits: ServerLimits): BackendLimits {
  const { body_bytes, pictures, picture_bytes, pixels, tokens } = limits;
  const fileBytes = body_bytes * 0.7;
  return {
    pictureBytes: Math.min(picture_bytes, fileBytes / pictures),
    picturePixels: pixels,
    videoBytes: Math.min(picture_bytes, body_bytes / 2),
    attachments: pictures,
    tokens,
    pictureTypes: ["image/png", "image/jpeg", "image/webp", "image/gif"],
  };
}

/** The id of the attachment that an error's `param` refers to, such as `messages[2].content[0].image_url`. */
export function attachmentAt(messages: readonly ChatMessage[], param: string): string | undefined {
  const place = /^messages\[(\d+)\]\.content\[(\d+)\]/.exec(param);
  if (place === null) return undefined;
  const part = messages[Number(place[1])]?.content[Number(place[2])];
  return part === undefined || part.type === "text" ? undefined : part.id;
}

/**
 * The settings as fields of a request.
 *
 * @param isOurs whether `owl serve` is asked: it gets also what asks for nothing, because its model's own defaults may ask for more. To
 *   others such fields of settings that are not of sampling are not sent: they may not know them.
 */
export function toApiSettings(settings: ChatSettings, isOurs: boolean): Record<string, unknown> {
  const effective = effectiveSettings(settings);
  const fields = settingsRows.flatMap(([name, row]) => {
    const value = effective[name];
    const isLeftOut = !isOurs && row.usedWith === null && value === row.default;
    return row.http === null || value === undefined || isLeftOut ? [] : [[row.http.name, value]];
  });
  return { ...(!settings.doSample && { temperature: 0 }), ...Object.fromEntries(fields) };
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
  readonly notes?: readonly string[] | null;
}

/**
 * The events of a streamed answer. A stream that ends without a finish reason is an error, not a short answer.
 *
 * @throws BackendError where the stream breaks off or reports an error
 */
export async function* readAnswer(body: ReadableStream<Uint8Array>): AsyncGenerator<ChatEvent> {
  let finish: FinishReason | undefined;
  let usage: Usage | undefined;
  let notes: readonly string[] | undefined;
  for await (const data of eventData(body)) {
    if (data === "[DONE]") break;
    const chunk = parseChunk(data);
    if (chunk.error !== undefined) throw streamError(chunk.error.message);
    const [choice] = chunk.choices ?? [];
    if (choice?.delta?.content) yield { text: choice.delta.content };
    if (choice?.finish_reason) finish = choice.finish_reason === "length" ? "length" : "stop";
    if (chunk.notes) notes = chunk.notes;
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
  yield { finish, usage, notes };
}

function parseChunk(data: string): Chunk {
  try {
    return JSON.parse(data) as Chunk;
  } catch {
    throw streamError("it sent something that is not JSON");
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
    // A reader that stops early closes the connection, which frees the server's slot.
    reader.cancel().catch(() => undefined);
  }
}
