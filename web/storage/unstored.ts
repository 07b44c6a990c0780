import { type Conversation, newId } from "../conversation/conversation.ts";

/** A conversation as a page left it that had not stored all of it. */
export interface Unstored {
  readonly conversation: Conversation;
  /** Whether the store had it: where it has it no longer, another tab has deleted it. */
  readonly wasStored: boolean;
}

const prefix = "mplug-owl unstored ";

/**
 * Keeps conversations for the page that comes after this one, which goes away: localStorage takes them at once, while a transaction of
 * IndexedDB, where conversations are, is given up with the page.
 */
export function keepUnstored(conversations: readonly Unstored[]): void {
  for (const one of conversations) {
    try {
      localStorage.setItem(`${prefix}${newId()}`, JSON.stringify(one));
    } catch {
      // There is no room for it: what the store has of it stays.
    }
  }
}

/** What {@link keepUnstored} kept, once. */
export function takeUnstored(): Unstored[] {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    const texts = keys.map((key) => localStorage.getItem(key));
    for (const key of keys) localStorage.removeItem(key);
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Unstored]));
  } catch {
    return [];
  }
}
