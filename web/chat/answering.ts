import {
  BackendError,
  type ChatBackend,
  type ChatMessage,
  type ChatSettings,
  type Usage,
} from "../backends/backend.ts";
import type { AnswerTurn } from "../conversation/conversation.ts";

/** The fields of an answer that change while it is written. */
export type AnswerFields = Partial<
  Pick<AnswerTurn, "text" | "state" | "problem" | "failure" | "notes" | "cut" | "usage" | "timing">
>;

export interface Progress {
  readonly words: string;
  readonly fraction?: number | undefined;
}

export interface AnswerListener {
  /** The answer has changed. */
  change(fields: AnswerFields): void;
  /** What happens before the first characters; undefined when that is over. */
  progress(progress: Progress | undefined): void;
}

/** Who makes an answer, and how. */
export interface Answerer {
  readonly backend: ChatBackend;
  readonly settings: ChatSettings;
  /** Positions of the model; undefined: not known. */
  readonly positions?: number | undefined;
}

/**
 * Generates an answer with a backend and reports every change. It always ends with a state: an error becomes a failed answer whose
 * `problem` says why, and what was written so far is kept.
 *
 * @param answerer may still be on its way; rejects where nobody is there
 * @param messages may still be read from storage
 * @param now milliseconds of a clock
 */
export async function writeAnswer(
  answerer: Promise<Answerer>,
  messages: Promise<readonly ChatMessage[]>,
  signal: AbortSignal,
  listener: AnswerListener,
  now: () => number = () => performance.now(),
): Promise<void> {
  const begin = now();
  let first: number | undefined;
  let last = begin;
  let text = "";
  try {
    const [{ backend, settings, positions }, read] = await unlessAborted(
      Promise.all([answerer, messages]),
      signal,
    );
    for await (const event of backend.chat(read, settings, signal)) {
      if ("text" in event) {
        last = now();
        if (first === undefined) listener.progress(undefined);
        first ??= last;
        text += event.text;
        listener.change({ text });
      } else if ("finish" in event) {
        const { finish, usage, notes } = event;
        listener.change({
          state: finish === "length" ? "length" : "done",
          ...(finish === "length" && { cut: cutBy(usage, positions) }),
          ...(notes !== undefined && notes.length > 0 && { notes }),
          usage,
          timing: timing(begin, first ?? now(), last, usage?.completionTokens),
        });
        return;
      } else {
        listener.progress({ words: event.progress, fraction: event.fraction });
      }
    }
    throw new BackendError("failed", "The answer ended without saying why.");
  } catch (error) {
    if (signal.aborted) listener.change({ state: "stopped" });
    else listener.change({ state: "failed", problem: errorMessage(error), failure: failureOf(error) });
  } finally {
    listener.progress(undefined);
  }
}

/** The promise's value; rejects with the signal's reason if that is aborted first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

/** Why an answer was cut: by the setting, or because all positions of the model are used. */
function cutBy(usage: Usage | undefined, positions: number | undefined): AnswerTurn["cut"] {
  if (usage === undefined || positions === undefined) return "setting";
  return usage.promptTokens + usage.completionTokens >= positions ? "positions" : "setting";
}

function failureOf(error: unknown): AnswerTurn["failure"] {
  if (!(error instanceof BackendError)) return undefined;
  const { code, attachment } = error.details;
  return {
    kind: error.kind,
    ...(code !== undefined && { code }),
    ...(attachment !== undefined && { attachment }),
  };
}

/** Fewer tokens, or a shorter time, give no meaningful rate. */
const leastForRate = { tokens: 10, seconds: 0.1 };

function timing(
  begin: number,
  first: number,
  last: number,
  tokens: number | undefined,
): AnswerTurn["timing"] {
  const seconds = (last - first) / 1000;
  // The first token came with the prompt; the rate is that of the others.
  const isMeasured = tokens !== undefined && tokens >= leastForRate.tokens && seconds >= leastForRate.seconds;
  const rate = isMeasured ? (tokens - 1) / seconds : undefined;
  return { firstMilliseconds: Math.round(first - begin), tokensPerSecond: rate, tokens };
}

/** An error's message for the user. */
export function errorMessage(error: unknown): string {
  if (error instanceof BackendError) return error.message;
  return error instanceof Error && error.message !== "" ? error.message : "Something went wrong.";
}

/** Token count and speed of an answer, shown below it. */
export function figures({ timing, usage }: Pick<AnswerTurn, "timing" | "usage">): string {
  if (timing === undefined) return "";
  const tokens = timing.tokens ?? usage?.completionTokens;
  const { firstMilliseconds, tokensPerSecond } = timing;
  const first =
    firstMilliseconds < 1000 ? `${firstMilliseconds} ms` : `${(firstMilliseconds / 1000).toFixed(1)} s`;
  const parts = [
    tokens !== undefined && `${tokens} ${tokens === 1 ? "token" : "tokens"}`,
    tokensPerSecond !== undefined &&
      `${tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : Math.round(tokensPerSecond)} a second`,
    `first after ${first}`,
  ];
  return parts.filter(Boolean).join(" · ");
}
