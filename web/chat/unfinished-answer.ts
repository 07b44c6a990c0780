import { holdLock, lockReleased } from "../storage/tab-locks.ts";

/** What an answer said when the page that was writing it went away. */
interface UnfinishedAnswer {
  readonly conversation: string;
  readonly turn: string;
  readonly text: string;
}

const key = "mplug-owl unfinished answer";

/**
 * Keeps the text of an answer that is being written, for a page that goes away: sessionStorage is synchronous, while IndexedDB,
 * where conversations are, would finish too late.
 */
export function keepUnfinished(answer: UnfinishedAnswer): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(answer));
  } catch {
    // A browser that keeps nothing: what the store has of the answer stays.
  }
}

/** The answer that {@link keepUnfinished} kept in this tab, once. */
export function takeUnfinished(): UnfinishedAnswer | undefined {
  try {
    const text = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return text === null ? undefined : (JSON.parse(text) as UnfinishedAnswer);
  } catch {
    return undefined;
  }
}

const lockOf = (turn: string): string => `mplug-owl answer ${turn}`;

/** Tells the other tabs that this one is writing an answer, until the work is over or the page gone. */
export const whileWriting = (turn: string, work: Promise<void>): Promise<void> =>
  holdLock(lockOf(turn), work);

/** Resolves when no other tab writes an answer any more. */
export const writtenElsewhere = (turn: string): Promise<void> => lockReleased(lockOf(turn));
