import {
  type GenerationSettings,
  type SettingName,
  type SettingRow,
  settingsRows,
  type settingsTable,
} from "../../src/generation/index.ts";

/** A chat model behind the page: on a server, or inside the page. The page uses both by this interface alone. */
export interface ChatBackend {
  readonly limits: BackendLimits;
  /** Whether it leaves out the oldest turns of a conversation that no longer fits. */
  readonly truncates: boolean;
  /**
   * The available models.
   *
   * @throws BackendError where none can be reached
   */
  models(signal?: AbortSignal): Promise<readonly ModelInfo[]>;
  /**
   * Streams an answer, which ends with exactly one event that has `finish`.
   *
   * @param signal aborts the answer; the iteration then ends or throws an AbortError
   * @throws BackendError with a message for people
   */
  chat(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): AsyncIterable<ChatEvent>;
  /** Attention maps over a picture. Absent: this backend has none. */
  attention?(model: string, image: Blob, asked?: AttentionAsked): Promise<AttentionMaps>;
  /** Stores the rating of an answer. Absent: this backend stores none. */
  sendFeedback?(feedback: Feedback): Promise<void>;
  /** Lets go of what it holds; called when another backend answers from now on. */
  close?(): void;
}

export interface ModelInfo {
  readonly id: string;
  /** Whether its files can be fetched, so that it can run inside the page. */
  readonly hasFiles: boolean;
  /** How many tokens a conversation may have, visual tokens and the answer included. Absent: not known. */
  readonly positions?: number | undefined;
}

export interface ChatMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly ContentPart[];
}

export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  /** `id` names the attachment in errors. */
  | { readonly type: "image" | "video"; readonly data: Blob; readonly id: string };

type Table = typeof settingsTable;

/** The settings that the page shows. */
export type ShownSetting = {
  [Name in SettingName]: Table[Name]["page"] extends null ? never : Name;
}[SettingName];

/** What the person has chosen; settings that need sampling, or several beams, are kept while those are off. */
export type ChatSettings = { readonly model: string } & Pick<GenerationSettings, ShownSetting>;

/** Whether settings that are used with sampling, or with several beams, change anything. */
export function isInUse(usedWith: SettingRow["usedWith"], { doSample, numBeams }: ChatSettings): boolean {
  return usedWith === null || (usedWith === "sampling" ? doSample : numBeams > 1);
}

/** The settings in use, those too that ask for nothing, such as one beam: a model's own defaults may ask for more. */
export function effectiveSettings(settings: ChatSettings): Partial<GenerationSettings> {
  const entries = settingsRows.flatMap(([name, { usedWith, page }]) =>
    page !== null && isInUse(usedWith, settings) ? [[name, settings[name as ShownSetting]]] : [],
  );
  return Object.fromEntries(entries);
}

export type FinishReason = "stop" | "length";

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type ChatEvent =
  /** The next characters of the answer. */
  | { readonly text: string }
  /** Progress before the first characters, while files are fetched: a text for people, and the fraction done (0 to 1). */
  | { readonly progress: string; readonly fraction?: number | undefined }
  | {
      readonly finish: FinishReason;
      readonly usage?: Usage | undefined;
      /** Remarks about the answer for its reader, such as turns that were left out. */
      readonly notes?: readonly string[] | undefined;
    };

/** A picture is resized, a square of `size` pixels cut out of its middle, of which patches cover the first `covered`. */
export interface PatchFraming {
  /** Whether both sides of the resized picture have `edge` pixels, or the shorter one. */
  readonly fit: "squeeze" | "crop" | "pad";
  readonly edge: number;
  readonly size: number;
  readonly covered: number;
}

/** What attention to a picture is asked about. */
export interface AttentionAsked {
  /** The question about the picture. Absent: none. */
  readonly question?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AttentionMaps {
  readonly layers: number;
  /** Visual tokens, or the question's. */
  readonly queries: number;
  /** The texts of a question's tokens; absent: queries are visual tokens. */
  readonly words?: readonly string[] | undefined;
  /** Patches of the picture from top to bottom. */
  readonly rows: number;
  /** Patches of the picture from left to right. */
  readonly columns: number;
  /** How the patches lie on the picture. Absent: they cover it. */
  readonly framing?: PatchFraming | undefined;
  /** [layers][queries][rows · columns] */
  readonly maps: readonly (readonly (readonly number[])[])[];
}

export type Rating = "up" | "down" | "flag";

export interface Feedback {
  readonly model: string;
  /** The conversation before the answer. */
  readonly messages: readonly ChatMessage[];
  readonly answer: string;
  readonly rating: Rating;
  readonly note?: string | undefined;
}

/** The limits of a backend's requests. The page shrinks pictures, or refuses files, so that requests keep to them. */
export interface BackendLimits {
  /** Bytes of one picture; larger ones are made smaller. */
  readonly pictureBytes: number;
  readonly picturePixels: number;
  /** Bytes of one video; larger ones are refused. */
  readonly videoBytes: number;
  /** Pictures and videos of a whole conversation. */
  readonly attachments: number;
  /** New tokens of an answer; requests ask for at most so many. */
  readonly tokens: number;
  /** Picture formats that are sent as they are; others are rewritten as PNG, if the browser can read them. */
  readonly pictureTypes: readonly string[];
}

/**
 * `unreachable`, `busy` and `failed` may be transient: a retry can help. The others mean that the request cannot be
 * answered as it is.
 */
export type BackendErrorKind = "unreachable" | "busy" | "failed" | "unauthorized" | "unsupported" | "refused";

/** Details of a failure besides its message. */
export interface FailureDetails {
  /** Seconds after which a retry may help. */
  readonly retryAfter?: number | undefined;
  /** OpenAI's error code, such as `context_length_exceeded`. */
  readonly code?: string | undefined;
  /** The id of the attachment that caused it. */
  readonly attachment?: string | undefined;
}

/** A failure whose message is shown to the person at the page. */
export class BackendError extends Error {
  override name = "BackendError";
  readonly kind: BackendErrorKind;
  readonly details: FailureDetails;

  constructor(kind: BackendErrorKind, message: string, details: FailureDetails = {}) {
    super(message);
    this.kind = kind;
    this.details = details;
  }
}
