import { hold, released } from "../storage/presence.ts";

/** The words of an answer that a page was writing when it went away. */
interface Words {
  readonly conversation: string;
  readonly turn: string;
  readonly text: string;
}

const key = "mplug-owl unfinished answer";

/**
 * Keeps the words of an answer that is being written. For a page that goes away: it has no time for the store of
 * conversations, which answers later.
 */
export function keepWords(words: Words): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(words));
  } catch {
    // A browser that keeps nothing: what the store has of the answer stays.
  }
}

/** The words that {@link keepWords} kept in this tab, once. */
export function takeWords(): Words | undefined {
  try {
    const text = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return text === null ? undefined : (JSON.parse(text) as Words);
  } catch {
    return undefined;
  }
}

const lockOf = (turn: string): string => `mplug-owl answer ${turn}`;

/** Tells the other tabs that this one is writing an answer, until the work is over or the page gone. */
export const whileWriting = (turn: string, work: Promise<void>): Promise<void> => hold(lockOf(turn), work);

/** Resolves when no other tab writes an answer any more. */
export const writtenElsewhere = (turn: string): Promise<void> => released(lockOf(turn));
