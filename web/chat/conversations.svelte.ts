import {
  attachmentsOf,
  type Conversation,
  endUnfinished,
  mergeLeft,
  mergeWriting,
  unfinished,
} from "../conversation/conversation.ts";
import { type Change, ConversationStore } from "../storage/conversation-store.ts";
import { keepUnstored, takeUnstored, type Unstored } from "../storage/unstored.ts";
import { notices } from "./notices.svelte.ts";
import { writtenElsewhere } from "./unfinished-answer.ts";

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
  /** How many changes of a conversation are on their way to the store: until the last of them it is ahead of it. */
  readonly #pending = new Map<string, number>();
  /** Conversations that the store has, as far as this tab knows. */
  readonly #stored = new Set<string>();
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
    const reading = this.#read(storage);
    // What is told meanwhile may be newer than what is read.
    storage.onChange((id) => void reading.then(() => this.#follow(id)));
    addEventListener("beforeunload", () => {
      this.isLeaving = true;
    });
    if (storage.isPersistent) addEventListener("pagehide", () => keepUnstored(this.#unstored()));
    await reading;
  }

  async #read(storage: ConversationStore): Promise<void> {
    try {
      const loaded = await storage.load();
      for (const { id } of loaded) this.#stored.add(id);
      this.all = { ...Object.fromEntries(loaded.map((one) => [one.id, one])), ...this.all };
      const taken = this.#takeUnstored();
      for (const conversation of Object.values(this.all)) this.#watch(conversation);
      void taken.then(() => storage.removeUnused(() => Object.values(this.all).flatMap(attachmentsOf)));
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
    this.#put(id, change(this.all[id]));
    if (isStored) void this.#store(id, change);
  }

  async #store(id: string, change: Change): Promise<void> {
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
    try {
      const stored = await (await this.storage).update(id, (found) => change(this.#withRefused(id, found)));
      this.#refused.delete(id);
      this.#know(id, stored);
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
    if (pending === 0) this.#pending.delete(id);
    else this.#pending.set(id, pending);
    if (pending === 0 && this.#missed.delete(id)) void this.#follow(id);
    return pending === 0;
  }

  /** Reads what another tab has changed. */
  async #follow(id: string): Promise<void> {
    const isAhead = (): boolean => {
      const is = this.#pending.has(id);
      if (is) this.#missed.add(id);
      return is;
    };
    if (isAhead()) return;
    const stored = await (await this.storage).read(id);
    if (isAhead()) return;
    this.#know(id, stored);
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

  #know(id: string, stored: Conversation | undefined): void {
    if (stored === undefined) this.#stored.delete(id);
    else this.#stored.add(id);
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

  /** Conversations of which this tab shows what the store does not have yet, as they are when the page goes away. */
  #unstored(): Unstored[] {
    const writing = this.#writing();
    const ids = new Set([...this.#pending.keys(), ...this.#refused.keys()]);
    if (writing !== undefined) ids.add(writing.conversation);
    return [...ids]
      .flatMap((id) => this.all[id] ?? [])
      .map((one) => ({
        conversation: endUnfinished(one, "interrupted", ({ id }) => id === writing?.turn),
        wasStored: this.#stored.has(one.id),
      }));
  }

  /** Takes over what pages that went away had not stored; resolves when the store has taken or refused it. */
  async #takeUnstored(): Promise<void> {
    const changes = takeUnstored().map(({ conversation, wasStored }) => {
      const change: Change = (found) =>
        found === undefined ? (wasStored ? undefined : conversation) : mergeLeft(found, conversation);
      return [conversation.id, change] as const;
    });
    for (const [id, change] of changes) this.#put(id, change(this.all[id]));
    await Promise.all(changes.map(([id, change]) => this.#store(id, change)));
  }
}
