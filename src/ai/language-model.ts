import { jsonConstraint } from "../constraint/index.ts";
import {
  completeSettings,
  type Engine,
  type EngineAnswer,
  type GenerationRequest,
  type MakeConstraint,
} from "../generation/index.ts";
import type { Owl } from "../owl/index.ts";
import { option } from "../platform/index.ts";
import { providerName, readCall } from "./call.ts";
import type { CallOptions, CallResult, CallStreamPart, CallUsage, CallWarning } from "./interface.ts";

/** An `Owl` as a language model of the AI SDK. Concurrent calls are batched. */
export class OwlLanguageModel {
  readonly specificationVersion = "v3";
  readonly provider = providerName;
  readonly modelId: string;
  /** None: the SDK fetches URLs itself and hands over bytes. */
  readonly supportedUrls: Record<string, RegExp[]> = {};
  readonly #owl: Owl;
  readonly #engine: Engine;

  constructor(modelId: string, owl: Owl, engine: Engine) {
    this.modelId = modelId;
    this.#owl = owl;
    this.#engine = engine;
  }

  /** A whole answer. @throws PromptError, SettingsError, JsonSchemaError and their like; the signal's reason */
  async doGenerate(options: CallOptions): Promise<CallResult> {
    const { request, warnings } = await this.#requestOf(options);
    const pieces = this.#engine.generate(request);
    for (;;) {
      const { done, value } = await pieces.next();
      if (!done) continue;
      return { content: [{ type: "text", text: value.text }], warnings, ...endOf(value) };
    }
  }

  /** Streams an answer. Errors in the call itself are thrown before the stream begins. */
  async doStream(options: CallOptions): Promise<{ readonly stream: ReadableStream<CallStreamPart> }> {
    const { request, warnings } = await this.#requestOf(options);
    const parts = this.#streamParts(request, warnings);
    const stream = new ReadableStream<CallStreamPart>({
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await parts.return();
      },
    });
    return { stream };
  }

  async *#streamParts(
    request: GenerationRequest,
    warnings: CallWarning[],
  ): AsyncGenerator<CallStreamPart, void> {
    const id = "0";
    yield { type: "stream-start", warnings };
    yield { type: "text-start", id };
    try {
      const pieces = this.#engine.generate(request);
      let next = await pieces.next();
      try {
        for (; !next.done; next = await pieces.next()) {
          if (next.value.text !== "") yield { type: "text-delta", id, delta: next.value.text };
        }
      } finally {
        // A reader that stops early aborts the answer.
        if (!next.done) await pieces.return(undefined as never);
      }
      yield { type: "text-end", id };
      yield { type: "finish", ...endOf(next.value as EngineAnswer) };
    } catch (error) {
      yield { type: "error", error };
    }
  }

  async #requestOf(
    options: CallOptions,
  ): Promise<{ readonly request: GenerationRequest; readonly warnings: CallWarning[] }> {
    const owl = this.#owl;
    const { messages, settings: given, truncation } = readCall(options);
    const { signal, json } = given;
    const settings = completeSettings(given, owl.defaults, { signal: option.signal, json: option.json });
    const { maxNewTokens, eosTokenIds } = settings;
    const prompt = await owl.prompt(messages, { truncation, maxNewTokens, signal });
    const schema = json === true ? undefined : json;
    const constraint: MakeConstraint | undefined =
      schema === false || json === undefined
        ? undefined
        : (maxNewTokens) => jsonConstraint(schema, owl.tokenizer, { eosTokenIds, maxNewTokens });
    const warnings = (prompt.notes ?? []).map((message) => ({ type: "other", message }) as const);
    return { request: { prompt, settings, signal, constraint }, warnings };
  }
}

function endOf({ finishReason, ids, promptTokens, cachedTokens }: EngineAnswer): {
  readonly finishReason: CallResult["finishReason"];
  readonly usage: CallUsage;
} {
  const unified = finishReason === "length" ? "length" : "stop";
  const noCache = promptTokens - cachedTokens;
  return {
    finishReason: { unified, raw: finishReason },
    usage: {
      inputTokens: { total: promptTokens, noCache, cacheRead: cachedTokens, cacheWrite: undefined },
      outputTokens: { total: ids.length, text: ids.length, reasoning: undefined },
    },
  };
}
