import {
  type Conversation,
  changeAnswer,
  endUnfinished,
  mergeWriting,
  unfinished,
} from "../conversation/conversation.ts";
import { type Change, ConversationStore } from "../storage/conversation-store.ts";
import { notices } from "./notices.svelte.ts";
import { keepUnfinished, takeUnfinished, writtenElsewhere } from "./unfinished-answer.ts";

/** An answer that is being written. */
export interface Writing {
  readonly conversation: string;
  readonly turn: string;
}

/**
 * The conversations of all tabs, as this one shows them. A change is made here at once and in the store behind; what
 * another tab changes there is taken over.
 */
export class Conversations {
  all = $state.raw<Readonly<Record<string, Conversation>>>({});
  readonly storage: Promise<ConversationStore> = ConversationStore.open();
  /** The answer that this tab is writing. */
  #writing: () => Writing | undefined;
  /** Called with a conversation that another tab has deleted. */
  #onLost: (conversation: Conversation) => void;
  /** The last answer that this tab wrote: its end may not be stored yet. */
  #lastWriting: Writing | undefined;
  /** How many changes of a conversation are on their way to the store: until the last of them it is ahead of it. */
  readonly #pending = new Map<string, number>();
  /** Changes that the store has refused, by conversation: they hold here, and go to it with the next one. */
  readonly #refused = new Map<string, Change>();
  /** Conversations that another tab changed while this one was ahead of the store. */
  readonly #missed = new Set<string>();
  /** Answers of other tabs whose end is waited for. */
  readonly #watched = new Set<string>();
  /** Whether the page is being left: the browser then cuts connections of which nothing is wrong. */
  isLeaving = false;

  constructor(writing: () => Writing | undefined, onLost: (conversation: Conversation) => void) {
    this.#writing = writing;
    this.#onLost = onLost;
  }

  /** Reads what the browser keeps. */
  async open(): Promise<void> {
    const storage = await this.storage;
    if (!storage.isPersistent) {
      notices.problem("This browser keeps nothing for this page: conversations are gone when it is closed.");
    }
    storage.onChange((id) => void this.#follow(id));
    addEventListener("beforeunload", () => {
      this.isLeaving = true;
    });
    addEventListener("pagehide", () => this.#keepUnfinished());
    try {
      const loaded = await storage.load();
      this.all = { ...Object.fromEntries(loaded.map((one) => [one.id, one])), ...this.all };
      this.#takeUnfinished();
      for (const conversation of loaded) this.#watch(conversation);
    } catch {
      notices.problem("Earlier conversations cannot be read from this browser.");
    }
  }

  /**
   * Changes a conversation: here, and in the store, where another tab may have changed it since.
   *
   * @param change is made twice
   * @param isStored false: only here, as long as nothing else changes
   */
  update(id: string, change: Change, isStored = true): void {
    this.#lastWriting = this.#writing() ?? this.#lastWriting;
    this.#put(id, change(this.all[id]));
    if (isStored) void this.#store(id, change);
  }

  async #store(id: string, change: Change): Promise<void> {
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
    try {
      const stored = await (await this.storage).update(id, (found) => change(this.#withRefused(id, found)));
      this.#refused.delete(id);
      if (this.#settled(id)) this.#take(id, stored);
      // A deleted conversation has freed space.
      if (stored === undefined)
        for (const other of this.#refused.keys()) void this.#store(other, (one) => one);
    } catch (error) {
      const before = this.#refused.get(id);
      this.#refused.set(id, before === undefined ? change : (found) => change(before(found)));
      this.#settled(id);
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      notices.problem(
        isFull
          ? "The browser's store is full: export conversations and delete some."
          : "The browser keeps nothing more of this page: export conversations, then load the page again.",
      );
    }
  }

  /** A stored conversation with the changes that could not be stored. */
  #withRefused(id: string, stored: Conversation | undefined): Conversation | undefined {
    const change = this.#refused.get(id);
    return change === undefined ? stored : change(stored);
  }

  /** One change is through; gives whether it was the last. */
  #settled(id: string): boolean {
    const pending = (this.#pending.get(id) ?? 1) - 1;
    this.#pending.set(id, pending);
    if (pending === 0 && this.#missed.delete(id)) void this.#follow(id);
    return pending === 0;
  }

  /** Reads what another tab has changed. */
  async #follow(id: string): Promise<void> {
    const isAhead = (): boolean => {
      const is = (this.#pending.get(id) ?? 0) > 0;
      if (is) this.#missed.add(id);
      return is;
    };
    if (isAhead()) return;
    const stored = await (await this.storage).read(id);
    if (isAhead()) return;
    this.#take(id, this.#withRefused(id, stored));
    if (stored !== undefined) this.#watch(stored);
  }

  /** Takes over what the store has of a conversation. */
  #take(id: string, stored: Conversation | undefined): void {
    const here = this.all[id];
    const writing = this.#writing();
    const isWriting = here !== undefined && writing?.conversation === id;
    this.#put(id, isWriting && stored !== undefined ? mergeWriting(stored, here, writing.turn) : stored);
    if (stored === undefined && here !== undefined) this.#onLost(here);
  }

  #put(id: string, conversation: Conversation | undefined): void {
    const { [id]: _, ...others } = this.all;
    this.all = conversation === undefined ? others : { ...others, [id]: conversation };
  }

  /** Marks answers as interrupted whose page went away while it was writing them. */
  #watch(conversation: Conversation): void {
    const { id } = conversation;
    for (const { id: turn } of unfinished(conversation)) {
      if (turn === this.#writing()?.turn || this.#watched.has(turn)) continue;
      this.#watched.add(turn);
      void writtenElsewhere(turn).then(() => {
        this.#watched.delete(turn);
        // Only in the store, which may know of its end what has not come here yet.
        void this.#store(
          id,
          (found) => found && endUnfinished(found, "interrupted", (one) => one.id === turn),
        );
      });
    }
  }

  /**
   * A page that goes away while it writes an answer leaves the words to the one that comes after it. The browser may
   * have cut the connection by then, so that the answer has failed here.
   */
  #keepUnfinished(): void {
    const writing = this.#lastWriting;
    const turn = this.all[writing?.conversation ?? ""]?.turns.find(({ id }) => id === writing?.turn);
    if (writing !== undefined && turn !== undefined) keepUnfinished({ ...writing, text: turn.text });
  }

  #takeUnfinished(): void {
    const words = takeUnfinished();
    if (words === undefined) return;
    const { conversation, turn, text } = words;
    this.update(conversation, (found) => {
      const isOpen = found !== undefined && unfinished(found).some(({ id }) => id === turn);
      return isOpen ? changeAnswer(found, turn, { text }) : found;
    });
  }
}
