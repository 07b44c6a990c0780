/**
 * The part of the AI SDK's interface (`LanguageModelV3` of @ai-sdk/provider, `ai` 6) that is used here, declared anew so that
 * this package needs the SDK neither installed nor for compiling. A test checks it against the real interface.
 */

/** A part of a message. Its type is checked when it is read. */
export interface CallPart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly mediaType?: string | undefined;
  /** Bytes, base64, or an address. */
  readonly data?: unknown;
}

export interface CallMessage {
  readonly role: string;
  readonly content: string | readonly CallPart[];
}

/** The options of one call of a model. */
export interface CallOptions {
  readonly prompt: readonly CallMessage[];
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly responseFormat?:
    | { readonly type: "text" }
    | { readonly type: "json"; readonly schema?: object | undefined }
    | undefined;
  readonly seed?: number | undefined;
  readonly tools?: readonly { readonly name: string }[] | undefined;
  readonly toolChoice?: { readonly type: string } | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  readonly providerOptions?: Readonly<Record<string, object>> | undefined;
}

export interface CallWarning {
  readonly type: "other";
  readonly message: string;
}

export interface CallFinishReason {
  readonly unified: "stop" | "length";
  readonly raw: string;
}

export interface CallUsage {
  readonly inputTokens: {
    readonly total: number;
    readonly noCache: number;
    readonly cacheRead: number;
    readonly cacheWrite: undefined;
  };
  readonly outputTokens: { readonly total: number; readonly text: number; readonly reasoning: undefined };
}

export interface CallResult {
  readonly content: { readonly type: "text"; readonly text: string }[];
  readonly finishReason: CallFinishReason;
  readonly usage: CallUsage;
  readonly warnings: CallWarning[];
}

export type CallStreamPart =
  | { readonly type: "stream-start"; readonly warnings: CallWarning[] }
  | { readonly type: "text-start" | "text-end"; readonly id: string }
  | { readonly type: "text-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "finish"; readonly finishReason: CallFinishReason; readonly usage: CallUsage }
  | { readonly type: "error"; readonly error: unknown };
