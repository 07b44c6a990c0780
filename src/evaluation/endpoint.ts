import { z } from "zod";
import { type GenerationSettings, settingsRows } from "../generation/index.ts";
import type { ChatMessage } from "../owl/index.ts";
import { dataUrl, readBytes, readImageHeader } from "../platform/index.ts";
import { EvaluationError } from "./error.ts";
import { fetchWithRetry } from "./fetch-with-retry.ts";
import type { EvaluatedSystem, SystemAnswer } from "./system.ts";

/** A server that speaks OpenAI's chat completions, and one of its models. */
export interface Endpoint {
  /** Its address up to and with the version, such as `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  readonly model: string;
  /** Sent as `Authorization: Bearer …`; none if absent. */
  readonly key?: string | undefined;
  /** Milliseconds before a request is tried again for the first time. Default 1,000. */
  readonly retryDelay?: number | undefined;
}

/** Settings of an endpoint's answers. Absent ones are left to the server, but the temperature is 0. */
export interface EndpointSettings extends Partial<GenerationSettings> {
  /** A JSON schema that the answer is held to; a server that knows no `response_format` may refuse. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
}

const replySchema = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string().nullish() }))
    .min(1),
});

/** A model behind an endpoint, to be examined. Pictures are files, by their paths or as their bytes; they travel as `data:` URLs. */
export function endpointSystem(
  endpoint: Endpoint,
  name: string,
  given: EndpointSettings = {},
): EvaluatedSystem {
  const { seed, ...settings } = given;
  return {
    name,
    settings: { ...fieldsOf(settings), endpoint: endpoint.url, model: endpoint.model },
    seed: seed ?? null,
    checkpoint: null,
    promptOf: (conversation) => JSON.stringify(conversation.map(withMarks)),
    answerAll: (conversations, signal) =>
      Promise.all(conversations.map((messages) => askEndpoint(endpoint, messages, given, signal))),
  };
}

/**
 * One answer of an endpoint.
 *
 * @throws RefusedError where it refuses; EvaluationError where it stays silent or answers in another form; FileError for
 *   a missing picture
 */
export async function askEndpoint(
  endpoint: Endpoint,
  messages: readonly ChatMessage[],
  settings: EndpointSettings = {},
  signal?: AbortSignal,
): Promise<SystemAnswer> {
  const url = `${endpoint.url.replace(/\/+$/, "")}/chat/completions`;
  const { seed, schema } = settings;
  const body = JSON.stringify({
    model: endpoint.model,
    messages: await Promise.all(messages.map(written)),
    ...fieldsOf(settings),
    ...(seed !== undefined && { seed }),
    ...(schema !== undefined && {
      response_format: { type: "json_schema", json_schema: { name: "reply", strict: true, schema } },
    }),
  });
  const headers = {
    "Content-Type": "application/json",
    ...(endpoint.key !== undefined && { Authorization: `Bearer ${endpoint.key}` }),
  };
  const { retryDelay } = endpoint;
  const text = await fetchWithRetry(
    url,
    { method: "POST", headers, body, signal: signal ?? null, retryDelay },
    (response) => response.text(),
  );
  const reply = replySchema.safeParse(jsonOf(text));
  if (!reply.success) {
    throw new EvaluationError(
      `${url}: must answer with a chat completion that holds text, got ${text.slice(0, 300)}`,
    );
  }
  const [{ message, finish_reason }] = reply.data.choices;
  return { text: message.content.trim(), finishReason: finish_reason ?? "unknown" };
}

/** The settings that requests have a field for. */
function fieldsOf(settings: Partial<GenerationSettings>): Record<string, unknown> {
  const given = { temperature: 0, ...settings };
  return Object.fromEntries(
    settingsRows.flatMap(([name, { http }]) =>
      http === null || given[name] === undefined ? [] : [[http.name, given[name]]],
    ),
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A message with `<image>` for its pictures. */
function withMarks({ role, content }: ChatMessage): { role: string; content: string } {
  if (typeof content === "string") return { role, content };
  return {
    role,
    content: content.map((part) => (part.type === "text" ? part.text : "<image>")).join("\n"),
  };
}

/** A message as it is sent. */
async function written({ role, content }: ChatMessage): Promise<object> {
  if (typeof content === "string") return { role, content };
  const parts = content.map(async (part) => {
    if (part.type === "text") return part;
    if (part.type === "image" && (typeof part.image === "string" || part.image instanceof Uint8Array)) {
      return { type: "image_url", image_url: { url: await pictureUrl(part.image) } };
    }
    const got = part.type === "image" ? "another kind of picture" : "a video";
    throw new EvaluationError(
      `endpoint: must be asked about picture files (paths or their bytes, a Uint8Array), got ${got}`,
    );
  });
  return { role, content: await Promise.all(parts) };
}

async function pictureUrl(file: string | Uint8Array): Promise<string> {
  const bytes = typeof file === "string" ? await readBytes(file) : file;
  const { format } = await readImageHeader(bytes);
  return dataUrl(bytes, `image/${format}`);
}
