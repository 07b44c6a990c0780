import {
  type GenerationSettings,
  type SettingName,
  type SettingRow,
  settingsRows,
  type settingsTable,
} from "../../src/generation/index.ts";

/** What answers: a server, or a model inside the page. The page knows nothing else of either. */
export interface ChatBackend {
  readonly limits: BackendLimits;
  /** Whether it leaves out the oldest turns of a conversation that no longer fits. */
  readonly truncates: boolean;
  /**
   * The models that can be asked.
   *
   * @throws BackendError where there is nobody to ask
   */
  models(signal?: AbortSignal): Promise<readonly ModelInfo[]>;
  /**
   * An answer, as it is made. It ends with exactly one event that has `finish`.
   *
   * @param signal ends the answer; the iteration then ends or throws an AbortError
   * @throws BackendError in words for whoever asked
   */
  chat(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): AsyncIterable<ChatEvent>;
  /** Where the visual abstractor looks in a picture. Absent: this backend cannot tell. */
  attention?(model: string, image: Blob, signal?: AbortSignal): Promise<AttentionMaps>;
  /** Keeps what somebody thinks of an answer. Absent: nobody keeps it. */
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
  /** `id` names the attachment in what a backend says of it. */
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

/** The settings that change something. */
export function effectiveSettings(settings: ChatSettings): Partial<GenerationSettings> {
  const entries = settingsRows.flatMap(([name, { usedWith, page }]) => {
    const isUsed = isInUse(name === "numBeams" ? "beams" : usedWith, settings);
    return page !== null && isUsed ? [[name, settings[name as ShownSetting]]] : [];
  });
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
  /** What happens before the first characters, as files are fetched: words, and how far it is (0 to 1). */
  | { readonly progress: string; readonly fraction?: number | undefined }
  | {
      readonly finish: FinishReason;
      readonly usage?: Usage | undefined;
      /** What whoever reads the answer should know of it, such as turns that were left out. */
      readonly notes?: readonly string[] | undefined;
    };

export interface AttentionMaps {
  readonly layers: number;
  /** Visual tokens. */
  readonly queries: number;
  /** Patches of the picture from top to bottom. */
  readonly rows: number;
  /** Patches of the picture from left to right. */
  readonly columns: number;
  /** [layers][queries][rows · columns] */
  readonly maps: readonly (readonly (readonly number[])[])[];
}

export type Rating = "up" | "down" | "flag";

export interface Feedback {
  readonly model: string;
  /** What the answer answers. */
  readonly messages: readonly ChatMessage[];
  readonly answer: string;
  readonly rating: Rating;
  readonly note?: string | undefined;
}

/** What a backend takes. The page makes pictures smaller, or refuses files, so that a request keeps to it. */
export interface BackendLimits {
  /** Bytes of one picture; larger ones are made smaller. */
  readonly pictureBytes: number;
  readonly picturePixels: number;
  /** Bytes of one video; larger ones are refused. */
  readonly videoBytes: number;
  /** Pictures and videos of a whole conversation. */
  readonly attachments: number;
  /** New tokens of an answer; more are not asked for. */
  readonly tokens: number;
  /** Picture formats that are sent as they are; others are rewritten as PNG, if the browser can read them. */
  readonly pictureTypes: readonly string[];
}

/**
 * `unreachable`, `busy` and `failed` may pass: asking the same again can help. The others say that what was asked cannot
 * be answered as it is.
 */
export type BackendErrorKind = "unreachable" | "busy" | "failed" | "unauthorized" | "unsupported" | "refused";

/** What is known of a failure besides its words. */
export interface FailureDetails {
  /** Seconds after which asking again may help. */
  readonly retryAfter?: number | undefined;
  /** OpenAI's word for it, as `context_length_exceeded`. */
  readonly code?: string | undefined;
  /** The id of the attachment that is in the way. */
  readonly attachment?: string | undefined;
}

/** Something went wrong, said in words for whoever asked. */
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
